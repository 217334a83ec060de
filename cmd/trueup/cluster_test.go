package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/clustertest"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/object"
)

// TestWithACluster runs the commands that speak to a real API server, without
// an agent: what an agent would write is written by the test.
func TestWithACluster(t *testing.T) {
	t.Parallel()
	file := clustertest.Kubeconfig(t, "hub")
	config, err := restConfig(file, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := installCRDs(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	k, err := kube.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "cli-"}}
	if err := k.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	// Of a name of its own: objects are known by it, whoever else uses the cluster.
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: "counter", Namespace: ns.Name}}
	app.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: "https://git.example.com/config.git", Path: "plain/shop"}
	app.Spec.Destination = v1alpha1.ApplicationDestination{Server: "https://kubernetes.default.svc", Namespace: ns.Name}
	if err := k.Create(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) (int, string, string) {
		return call(t, append(args, "--kubeconfig", file, "-n", ns.Name)...)
	}
	// The shell is offered names, and not twice the same.
	if _, stdout, _ := call(t, "__complete", "get", "--kubeconfig", file, "-n", ns.Name, ""); !strings.HasPrefix(stdout, "counter\n") {
		t.Errorf("completion offers %q", stdout)
	}
	if _, stdout, _ := call(t, "__complete", "get", "--kubeconfig", file, "-n", ns.Name, "counter", ""); strings.Contains(stdout, "counter") {
		t.Errorf("completion offers %q again", stdout)
	}
	repo := "https://git.example.com/config.git=" + example("config")

	code, stdout, stderr := command("diff", "counter", "--repo", repo, "-o", "json")
	var report struct {
		Objects []struct{ Kind, Name, State string }
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || code != exitDrift || len(report.Objects) == 0 {
		t.Fatalf("exit code %d, %v:\n%s%s", code, err, stdout, stderr)
	}
	for _, o := range report.Objects {
		if o.State != "Missing" {
			t.Errorf("before anything is applied %s %s is %s", o.Kind, o.Name, o.State)
		}
	}

	// Apply what render prints, as the agent would track it: then it is true.
	cluster, err := kube.Connect("hub", config, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	objects, err := readObjects(example("config", "plain", "shop", "notices.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range objects {
		applyAs(t, cluster, u, ns.Name)
	}
	if code, stdout, stderr = command("diff", "counter", "--repo", repo); code != exitOK {
		t.Errorf("after it is applied: exit code %d\n%s%s", code, stdout, stderr)
	}
	if code, _, stderr = command("diff", "nope"); code != exitError || !strings.Contains(stderr, "nope") {
		t.Errorf("an application that is not there: exit code %d, %s", code, stderr)
	}
	if code, _, stderr = command("diff", "counter", "--desired", "x"); code != exitUsage {
		t.Errorf("an application and a file: exit code %d, %s", code, stderr)
	}

	told := app.DeepCopy()
	told.Status.Sync = v1alpha1.SyncStatus{Status: v1alpha1.SyncStatusCodeSynced, Revision: strings.Repeat("a", 40)}
	told.Status.Health.Status = "Healthy"
	told.Status.Drift = &v1alpha1.DriftSummary{Objects: 1, Fields: 1, Changes: []v1alpha1.DriftChange{
		{Kind: "ConfigMap", Namespace: ns.Name, Name: "notices", Path: "data.extra", Class: "undeclared", Manager: "kubectl-edit", Live: &apiextensionsv1.JSON{Raw: []byte(`"x"`)}},
	}}
	told.Status.History = []v1alpha1.RevisionHistory{
		{ID: 0, Revision: strings.Repeat("b", 40), DeployedAt: metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), InitiatedBy: v1alpha1.OperationInitiator{Automated: true}},
		{ID: 1, Revision: strings.Repeat("a", 40), DeployedAt: metav1.NewTime(time.Date(2026, 1, 2, 3, 5, 5, 0, time.UTC)), InitiatedBy: v1alpha1.OperationInitiator{Username: "ana"}},
	}
	if err := k.Status().Update(t.Context(), told); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		reason string
		args   []string
		code   int
		says   []string
	}{
		{"get lists it", []string{"get"}, exitOK, []string{"counter", "in-cluster", "Synced", "Healthy", "aaaaaaa"}},
		{"get gives names", []string{"get", "-o", "name"}, exitOK, []string{"counter\n"}},
		{"get gives YAML", []string{"get", "counter", "-o", "yaml"}, exitOK, []string{"kind: Application", "name: counter"}},
		{"drift exits with 3", []string{"drift"}, exitDrift, []string{"1 field in 1 object", "next: trueup drift counter"}},
		{"drift tells what a sync leaves alone", []string{"drift", "counter"}, exitDrift, []string{"data.extra", "kubectl-edit", "not in Git", "--undeclared removes fields that Git does not name"}},
		{"history, the newest first", []string{"history", "counter"}, exitOK, []string{"2026-01-02 03:05:05  synced      aaaaaaa by ana\n2026-01-02 03:04:05  synced      bbbbbbb automated\n"}},
		{"history for programs", []string{"history", "counter", "-o", "json"}, exitOK, []string{`/counter",`, `"revision": "aaaaaaa`}},
		{"the local cluster is always there", []string{"cluster", "list"}, exitOK, []string{"in-cluster"}},
	} {
		code, stdout, stderr := command(tc.args...)
		if code != tc.code {
			t.Errorf("%s: exit code %d, want %d\n%s", tc.reason, code, tc.code, stderr)
		}
		for _, want := range tc.says {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s: %q is not in\n%s", tc.reason, want, stdout)
			}
		}
	}
}

// TestSyncToARevisionThatWouldNotLast asks for what an automated application
// would undo at its next look.
func TestSyncToARevisionThatWouldNotLast(t *testing.T) {
	t.Parallel()
	file := clustertest.Kubeconfig(t, "hub")
	config, err := restConfig(file, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := installCRDs(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	k, err := kube.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{GenerateName: "automated-", Namespace: "default"}}
	app.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: "https://git.example.com/config.git", Path: "shop", TargetRevision: "main"}
	app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.SyncPolicyAutomated{}}
	if err := k.Create(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args []string
		code int
	}{
		{[]string{"--revision", "v1"}, exitError},
		{[]string{"--revision", "main"}, exitOK},
	} {
		code, _, stderr := call(t, append([]string{"sync", app.Name, "--wait=false", "-n", "default", "--kubeconfig", file}, tc.args...)...)
		if code != tc.code || code == exitError && !strings.Contains(stderr, "would go back to main at once") {
			t.Errorf("%v: exit code %d, standard error %s", tc.args, code, stderr)
		}
	}
}

func applyAs(t *testing.T, cluster *kube.Cluster, u *unstructured.Unstructured, namespace string) {
	t.Helper()
	u.SetNamespace(namespace)
	object.Track(u, "counter")
	if _, err := cluster.Apply(t.Context(), u); err != nil {
		t.Fatal(err)
	}
}
