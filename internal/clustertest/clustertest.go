// Package clustertest hands tests the real control planes that "make test"
// starts once per run, for all packages.
//
// It does not know how clusters are built or started, nor what tests do with
// them.
package clustertest

import (
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
