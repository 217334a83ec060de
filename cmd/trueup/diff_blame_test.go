package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/clustertest"
	"github.com/trueup-dev/trueup/internal/kube"
)

// TestDiffBlame: without the flag the line is told, with it the commit too; an
// overlay's patch counts before what it is put over.
func TestDiffBlame(t *testing.T) {
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
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "blame-"}}
	if err := k.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	repo := t.TempDir()
	commit := func(author, message string, files map[string]string) {
		t.Helper()
		for name, text := range files {
			name = filepath.Join(repo, name)
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("sh", "-c", `git init -q -b main . && git add -A && git commit -q --author "$0 <x@example.com>" -m "$1"`, author, message)
		cmd.Dir = repo
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@example.com")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	const limits = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: limits\ndata:\n  min: \"1\"\n  max: \"10\"\n"
	commit("Cleo", "Start", map[string]string{
		"base/kustomization.yaml": "resources: [limits.yaml]\n", "base/limits.yaml": limits,
		"eu/kustomization.yaml": "resources: [../base]\npatches:\n- path: more.yaml\n",
		"eu/more.yaml":          "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: limits\ndata:\n  max: \"20\"\n",
	})
	commit("Ana", "Allow 30 in the EU", map[string]string{"eu/more.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: limits\ndata:\n  max: \"30\"\n"})
	commit("Ben", "Say more", map[string]string{"base/limits.yaml": "# Limits\n" + strings.ReplaceAll(limits, `"1"`, `"2"`)})
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: ns.Name}}
	app.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: "file://" + repo, Path: "eu"}
	app.Spec.Destination = v1alpha1.ApplicationDestination{Server: "https://kubernetes.default.svc", Namespace: ns.Name}
	if err := k.Create(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	live := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "limits", Namespace: ns.Name}, Data: map[string]string{"min": "7", "max": "99"}}
	if err := k.Create(t.Context(), live); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args     []string
		has, not []string
	}{
		{nil, []string{"declared in eu/more.yaml:6\n", "declared in base/limits.yaml:7\n"}, []string{"Ana"}},
		{[]string{"--blame"}, []string{"declared in eu/more.yaml:6 by Ana (", `"Allow 30 in the EU")`, "declared in base/limits.yaml:7 by Ben ("}, []string{"Cleo"}},
		{[]string{"--blame", "-o", "github"}, []string{"file=eu/more.yaml,line=6,", "; declared in eu/more.yaml:6 by Ana ("}, nil},
		{[]string{"--blame", "-o", "json"}, []string{`"author": "Ana"`, `"precision": "line"`}, []string{"unblamed"}},
	} {
		code, stdout, stderr := call(t, append([]string{"diff", "shop", "--kubeconfig", file, "-n", ns.Name}, tc.args...)...)
		if code != exitDrift {
			t.Errorf("%v: exit code %d\n%s%s", tc.args, code, stdout, stderr)
		}
		for _, text := range tc.has {
			if !strings.Contains(stdout, text) {
				t.Errorf("%v: %q is missing in\n%s%s", tc.args, text, stdout, stderr)
			}
		}
		for _, text := range tc.not {
			if strings.Contains(stdout, text) {
				t.Errorf("%v: %q is in\n%s", tc.args, text, stdout)
			}
		}
	}
	if code, _, stderr := call(t, "diff", "--desired", "a", "--live", "b", "--blame"); code != exitUsage || !strings.Contains(stderr, "--blame needs APP") {
		t.Errorf("files with --blame: exit code %d, %s", code, stderr)
	}
}
