// Package clustertest hands tests the real control planes that "make test"
// starts once per run, for all packages.
//
// It does not know how clusters are built or started, nor what tests do with
// them.
package clustertest

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Variable names the folder that devcluster keeps the clusters in.
const Variable = "TRUEUP_TEST_CLUSTERS"

// Kubeconfig returns the administrator's kubeconfig of a cluster. Without the
// control planes the test is skipped: "make test" never runs without them.
func Kubeconfig(t testing.TB, cluster string) string {
	t.Helper()
	dir := os.Getenv(Variable)
	if dir == "" {
		t.Skipf("needs a control plane: run make test, or make cluster-up and set %s to its folder", Variable)
	}
	file := filepath.Join(dir, cluster, "kubeconfig")
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("the control plane %s: %v", cluster, err)
	}
	return file
}

// Audited is how a control plane tells of requests: what devcluster writes
// with --audit.
type Audited struct {
	Log     string `json:"log"`     // file of audit events, one on each line
	Address string `json:"address"` // where whoever listens is sent them
	Token   string `json:"token"`   // which they bear
	// Cert and Key are files that prove the address.
	Cert string `json:"cert"`
	Key  string `json:"key"`
	// Kubeconfig is that of ana, whose certificate is not the administrator's.
	Kubeconfig string `json:"-"`
}

// Audit returns how a control plane tells of requests. Of one that does not,
// the test is skipped: those of "make test" do.
func Audit(t testing.TB, cluster string) Audited {
	t.Helper()
	dir := filepath.Dir(Kubeconfig(t, cluster))
	data, err := os.ReadFile(filepath.Join(dir, "audit.json"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("needs a control plane that tells of requests: run devcluster up with --audit")
	}
	a := Audited{Kubeconfig: filepath.Join(dir, "pki", "ana.kubeconfig")}
	if err == nil {
		err = json.Unmarshal(data, &a)
	}
	if err != nil {
		t.Fatalf("the audit events of the control plane %s: %v", cluster, err)
	}
	return a
}
