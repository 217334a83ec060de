package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// asProgram has the test's program be trueup.
const asProgram = "TRUEUP_TEST_AS_PROGRAM"

// TestStandardErrorIsOurs runs the program: an old field of a kustomization is
// a warning of ours, once, and kustomize prints nothing of its own.
func TestStandardErrorIsOurs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"app/kustomization.yaml": "bases: [../one, ../two]\ncommonLabels: {a: b}\nvars: [{name: NOBODY, objref: {apiVersion: v1, kind: ConfigMap, name: a}}]\n",
		"one/kustomization.yaml": "resources: [c.yaml]\ncommonLabels: {c: d}\n",
		"one/c.yaml":             "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
		"two/kustomization.yaml": "commonLabels: {e: f}\nconfigMapGenerator: [{name: b}]\n",
		"app.yaml": `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: old}
spec:
  project: default
  source: {repoURL: "https://git.example.com/old.git", path: app}
  destination: {name: in-cluster, namespace: old}
`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "render", "-f", filepath.Join(dir, "app.yaml"), "--repo", "https://git.example.com/old.git="+dir)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	if got := strings.Count(stdout.String(), "kind: ConfigMap"); got != 2 {
		t.Errorf("it printed %d objects", got)
	}
	for _, want := range []string{
		`bases is deprecated, use resources ("kustomize edit fix" does it): app/kustomization.yaml`,
		`commonLabels is deprecated, use labels ("kustomize edit fix" does it): app/kustomization.yaml, one/kustomization.yaml, two/kustomization.yaml`,
		`vars is deprecated, use replacements`,
	} {
		if strings.Count(stderr.String(), want) != 1 {
			t.Errorf("want once %q in:\n%s", want, stderr.String())
		}
	}
	if got := strings.Count(stderr.String(), "\n"); got != 3 {
		t.Errorf("want 3 lines:\n%s", stderr.String())
	}
}
