package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/document"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/lifecycle"
	"github.com/trueup-dev/trueup/internal/clustertest"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/kube"
)

func day(hour int) metav1.Time {
	return metav1.NewTime(time.Date(2026, 1, 2, hour, 0, 0, 0, time.UTC))
}

// heldSet is a set as an agent leaves it that asks about deletions.
func heldSet() *v1alpha1.ApplicationSet {
	set := &v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "trueup", UID: "1", CreationTimestamp: day(1)}}
	since := day(3)
	set.Status = v1alpha1.ApplicationSetStatus{
		ResourcesCount: 3, Health: &v1alpha1.HealthStatus{Status: "Degraded", Message: "one is not"},
		Generators: []v1alpha1.GeneratorStatus{{Path: "generators[0].list", ParameterSets: 1}},
		Held:       &v1alpha1.HeldDeletion{Digest: "abc", Reason: "2 of 3 applications would go, and the deletion budget allows 1", Applications: []string{"web-b", "web-c"}, Count: 2, Since: &since},
		ApplicationStatus: []v1alpha1.ApplicationSetApplicationStatus{
			{Application: "web-a", Step: "1", Status: "Healthy"}, {Application: "web-b", Step: "2", Status: "Waiting"}, {Application: "web-c", Step: "-1", Status: "Waiting"},
		},
		Conditions: []metav1.Condition{
			{Type: lifecycle.ErrorOccurred, Status: metav1.ConditionTrue, Reason: "x", Message: "the application web-d: spec.project: there is no Project \"nope\"\nand another", LastTransitionTime: day(2)},
			{Type: lifecycle.DeletionHeld, Status: metav1.ConditionTrue, Reason: "x", Message: "2 deletions wait", LastTransitionTime: day(2)},
		},
	}
	return set
}

func TestAppSetGetScreens(t *testing.T) {
	t.Parallel()
	set, quiet := heldSet(), &v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: "quiet", CreationTimestamp: day(1)}}
	var apps []v1alpha1.Application
	for _, name := range []string{"web-c", "web-a", "web-b"} {
		app := v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: name}}
		app.Spec.Destination.Name = "eu-1"
		app.Status.Sync.Status, app.Status.Health.Status = v1alpha1.SyncStatusCodeSynced, "Healthy"
		apps = append(apps, app)
	}
	var table, one, held bytes.Buffer
	if err := printSetTable(&table, []v1alpha1.ApplicationSet{*quiet, *set}, day(5).Time); err != nil {
		t.Fatal(err)
	}
	if err := printSet(&one, set, apps, false, day(5).Time); err != nil {
		t.Fatal(err)
	}
	printHeld(&held, set, false)
	golden.File(t, filepath.Join("testdata", "appset", "screen-get.golden"), table.String())
	golden.File(t, filepath.Join("testdata", "appset", "screen-get-one.golden"), one.String())
	golden.File(t, filepath.Join("testdata", "appset", "screen-confirm.golden"), held.String())
}

func TestAsk(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		answer string
		want   bool
		says   string
	}{
		{"y\n", true, ""}, {"Yes\n", true, ""}, {"yes", true, ""}, {"n\n", false, ""}, {"\n", false, ""}, {"yesterday\n", false, ""}, {"", false, "nobody answered"},
	} {
		var asked bytes.Buffer
		got, err := ask(streams{in: strings.NewReader(tc.answer), err: &asked}, "Delete 2 applications?")
		if got != tc.want || (err != nil) != (tc.says != "") || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%q: %t, %v", tc.answer, got, err)
		}
		if asked.String() != "Delete 2 applications? [y/N] " {
			t.Errorf("asked %q", asked.String())
		}
	}
	// A pipe that nobody writes to must not be waited for.
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = read.Close(), write.Close() })
	if _, err := ask(streams{in: read, err: &bytes.Buffer{}}, "?"); err == nil || !strings.Contains(err.Error(), "--yes") {
		t.Errorf("asked a pipe: %v", err)
	}
}

const setOnTheCluster = `apiVersion: trueup.dev/v1alpha1
kind: ApplicationSet
metadata: {name: shop}
spec:
  generators:
  - list: {elements: [{env: a, revision: main}, {env: b, revision: main}]}
  template:
    metadata: {name: "web-{{env}}"}
    spec:
      project: default
      source: {repoURL: https://git.example.com/config.git, path: plain/shop, targetRevision: "{{revision}}"}
      destination: {server: https://kubernetes.default.svc, namespace: web}
`

// TestAppSetsWithACluster runs the commands on what an agent would have
// written to a real API server.
func TestAppSetsWithACluster(t *testing.T) {
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
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "sets-"}}
	if err := k.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "set.yaml")
	if err := os.WriteFile(name, []byte(setOnTheCluster), 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(in string, args ...string) (int, string, string) {
		var out, errOut bytes.Buffer
		code := run(context.Background(), append(args, "--kubeconfig", file, "-n", ns.Name), streams{in: strings.NewReader(in), out: &out, err: &errOut})
		return code, out.String(), errOut.String()
	}
	expect := func(reason string, code int, says string, in string, args ...string) {
		t.Helper()
		got, stdout, stderr := command(in, args...)
		if got != code || !strings.Contains(stdout+stderr, says) {
			t.Errorf("%s: exit code %d, want %d, and %q in\n%s%s", reason, got, code, says, stdout, stderr)
		}
	}
	expect("before the set is there all is new", exitDrift, "2 to create · 0 to update · 0 to delete · 0 unchanged", "", "appset", "diff", name)

	// What an agent does with this set.
	docs, err := document.Decode([]byte(setOnTheCluster), name)
	if err != nil {
		t.Fatal(err)
	}
	set := &docs.ApplicationSets[0]
	set.Namespace = ns.Name
	if err := k.Create(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"appset", "generate", name}, streams{in: strings.NewReader(""), out: &stdout, err: &stderr}); code != exitOK {
		t.Fatal(stderr.String())
	}
	made, err := document.Decode(stdout.Bytes(), "applications")
	if err != nil {
		t.Fatal(err)
	}
	for i := range made.Applications {
		app := &made.Applications[i]
		app.Namespace = ns.Name
		app.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(set, v1alpha1.GroupVersion().WithKind("ApplicationSet"))}
		if err := k.Create(t.Context(), app); err != nil {
			t.Fatal(err)
		}
	}
	set.Status = heldSet().Status
	set.Status.Held.Applications = []string{"web-b"}
	set.Status.Held.Count = 1
	if err := k.Status().Update(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	expect("what is as the set wants it does not differ", exitOK, "0 to create · 0 to update · 0 to delete · 2 unchanged", "", "appset", "diff", name)
	if err := os.WriteFile(name, []byte(strings.Replace(setOnTheCluster, "{env: b, revision: main}", "{env: b, revision: v2}", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	expect("an edit is told field by field", exitDrift, "spec.source.targetRevision\n      - main\n      + v2", "", "appset", "diff", name)
	expect("the list", exitOK, "shop  3             Degraded  1", "", "appset", "get")
	expect("one set with its applications", exitOK, "next: trueup appset confirm shop", "", "appset", "get", "shop")
	expect("a set that is not there", exitError, "get ApplicationSet nope", "", "appset", "get", "nope")
	expect("the names", exitOK, "shop\n", "", "appset", "get", "-o", "name")
	if _, stdout, _ := call(t, "__complete", "appset", "confirm", "--kubeconfig", file, "-n", ns.Name, ""); !strings.HasPrefix(stdout, "shop\n") {
		t.Errorf("completion offers %q", stdout)
	}
	expect("no is no", exitError, "nothing is confirmed", "n\n", "appset", "confirm", "shop")
	confirmed := func() string {
		var now v1alpha1.ApplicationSet
		if err := k.Get(t.Context(), client.ObjectKeyFromObject(set), &now); err != nil {
			t.Fatal(err)
		}
		return now.Annotations[v1alpha1.ConfirmDeletion]
	}
	if got := confirmed(); got != "" {
		t.Errorf("nothing was confirmed, and yet %q", got)
	}
	expect("yes is yes, for what is shown", exitOK, "  - web-b\nDelete 1 application? [y/N] confirmed", "y\n", "appset", "confirm", "shop")
	if got := confirmed(); got != "abc" {
		t.Errorf("confirmed %q", got)
	}
}
