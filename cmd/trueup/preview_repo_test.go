package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/preview/policy"
	"github.com/trueup-dev/trueup/preview/trial"
)

// TestPreviewOfURL: a repository that is only on a server gives what its copy
// does, also where both sides moved on.
func TestPreviewOfURL(t *testing.T) {
	t.Parallel()
	const config = "git@git.example.com:config.git"
	app := `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec:
  source: {repoURL: ` + config + `, targetRevision: HEAD, path: web}
  destination: {name: eu, namespace: shop}
`
	p := newPreviewed(t)
	p.commit(map[string]string{"apps/web.yaml": app, "web/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: \"1\"}\n"})
	p.checkout("feature", true)
	p.commit(map[string]string{"web/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: \"2\"}\n"})
	p.checkout("main", false)
	p.commit(map[string]string{"web/b.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n"})
	run := func(args ...string) string {
		code, stdout, stderr := call(t, append([]string{"preview", "--cache-dir", "", "--head", "feature", "--url", config}, args...)...)
		if code != exitDrift || stderr != "" {
			t.Errorf("%v: exit code %d; %s", args, code, stderr)
		}
		return unsteady.ReplaceAllString(stdout, "(...)")
	}
	want := run("--repo", p.dir)
	if !strings.Contains(want, "~ ConfigMap shop/a") || strings.Contains(want, "shop/b") {
		t.Fatalf("the copy gives\n%s", want)
	}
	url := "file://" + p.dir
	head, err := p.repo.ResolveRevision("feature")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--repo", url}, {"--repo", url, "--base", "main", "--head", head.String()}, {"--repo", url, "--apps", "apps"}, {"--repo", url, "--base", "main", "--apps", "apps/web.yaml"}} {
		if got := run(args...); got != want {
			t.Errorf("%v gives\n%s\nand the copy\n%s", args, got, want)
		}
	}
	if code, _, stderr := call(t, "preview", "--repo", url); code != exitUsage || !strings.Contains(stderr, "--head must say") {
		t.Errorf("without a head: exit code %d, %s", code, stderr)
	}
	if code, _, stderr := call(t, "preview", "--repo", url, "--head", "feature", "--apps", "web"); code != exitError || !strings.Contains(stderr, "no Application or ApplicationSet was found: --apps names") {
		t.Errorf("a folder without applications: exit code %d, %s", code, stderr)
	}
	if code, _, stderr := call(t, "preview", "--repo", url, "--head", "feature", "--apps", "apps", "--apps", "asps"); code != exitError || !strings.Contains(stderr, "asps: it is there neither on base nor in the merge") {
		t.Errorf("a folder that is not there: exit code %d, %s", code, stderr)
	}
	if code, _, stderr := call(t, "preview", "--repo", url, "--head", "nosuch"); code != exitError || !strings.Contains(stderr, "nosuch") {
		t.Errorf("a head that is not there: exit code %d, %s", code, stderr)
	}
}

func TestIsURL(t *testing.T) {
	t.Parallel()
	for repo, want := range map[string]bool{
		"https://git.example.com/a.git": true, "git@git.example.com:a.git": true, "ssh://git@h/a": true, "file:///a": true,
		".": false, "../config": false, "/a/b": false, "C:config": false, "dir/git@h:a": false, "git@h:": false,
	} {
		if got := isURL(repo); got != want {
			t.Errorf("%s: %v", repo, got)
		}
	}
}

// TestAgain: the command in a comment has what decides on the preview, and
// nothing that is secret.
func TestAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		repo string
		o    previewOptions
		want string
	}{
		"a copy": {"", previewOptions{policies: []string{policy.Default}}, "trueup preview --base main --head abc"},
		"a job with a token": {"https://x-access-token:s3cret@git.example.com/config.git", previewOptions{untrusted: true, policies: []string{policy.Default}},
			"trueup preview --repo https://git.example.com/config.git --base main --head abc --untrusted"},
		"with flags": {"git@git.example.com:config.git", previewOptions{
			apps: []string{"apps", "cluster"}, urls: []string{"https://mirror"}, policies: []string{"p"}, charts: true, live: liveOptions{on: true},
			severities: map[string]string{"image": "off", "delete": "critical"}, worldOptions: worldOptions{clusters: "c.yaml", objects: []string{"o.yaml"}},
		}, "trueup preview --repo git@git.example.com:config.git --base main --head abc --apps apps --apps cluster --clusters c.yaml --objects o.yaml --url https://mirror " +
			"--risk delete=critical --risk image=off --policies p --enable-helm --live"},
	} {
		got := tc.o.again(tc.repo, trial.Change{Branch: "main", Head: "abc"})
		if diff := cmp.Diff(strings.Fields(tc.want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
