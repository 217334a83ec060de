package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/reconcile"
)

// TestExplainWhatIsNoFile: a rendering also depends on what is in no
// repository.
func TestExplainWhatIsNoFile(t *testing.T) {
	t.Parallel()
	sha, target, keys := strings.Repeat("0123abcd", 5), "main", "fingerprint"
	at := snapshot.Location{RepoURL: "https://git.example.com/config.git", Revision: "main"}
	for _, tc := range []struct {
		reason string
		reads  render.Reads
		want   string
	}{
		{"nothing", render.Reads{}, "  https://git.example.com/config.git main\n    nothing: it is there for other sources to read from\n"},
		{"the commit", render.Reads{Commit: &sha}, "  the commit itself, by the build environment " + short(sha) + "\n"},
		{"its name", render.Reads{Target: &target}, "  the targetRevision, by the build environment main\n"},
		{"keys", render.Reads{Keys: &keys}, "  the keys that open encrypted files\n"},
		{
			"live objects", render.Reads{Live: []render.LookedUp{{Query: render.Query{APIVersion: "v1", Kind: "Secret", Namespace: "shop", Name: "db"}}}},
			"  the live v1 Secret shop/db\n",
		},
		{
			"a tree that is not there", render.Reads{More: []render.Opened{{At: snapshot.Location{RepoURL: "https://git.example.com/base"}, Failed: "not found"}}},
			"  https://git.example.com/base\n    cannot be opened: not found\n",
		},
	} {
		var b strings.Builder
		explainSource(&b, reconcile.SourceReads{At: at, Reads: tc.reads})
		if diff := cmp.Diff(tc.want, b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

// TestExplainFailure: what was read is most of all of interest where it led to
// an error.
func TestExplainFailure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const url = "https://git.example.com/config.git"
	for name, data := range map[string]string{
		"web/kustomization.yaml":  "resources: [../base, ingress.yaml]\n",
		"base/kustomization.yaml": "resources: [web.yaml]\n",
		"base/web.yaml":           "{apiVersion: v1, kind: ConfigMap, metadata: {name: web}}\n",
		"db/db.yaml":              "{apiVersion: v1, kind: ConfigMap, metadata: {name: db}}\n",
		"apps.yaml": `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web}
spec: {project: default, destination: {namespace: shop, name: eu}, source: {repoURL: ` + url + `, path: web}}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: db}
spec: {project: default, destination: {namespace: shop, name: eu}, source: {repoURL: ` + url + `, path: db}}
`,
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"render", "-f", filepath.Join(dir, "apps.yaml"), "--repo", url + "=" + dir, "--explain"}
	code, stdout, stderr := call(t, args...)
	if code != exitError || !strings.Contains(stderr, "ingress.yaml") {
		t.Errorf("exit code %d, and standard error:\n%s", code, stderr)
	}
	golden.File(t, filepath.Join("testdata", "render-explain-failed.golden"), stdout)
	if _, stdout, _ := call(t, append(args, "-o", "json")...); strings.Count(stdout, `"failed": "application web: `) != 1 {
		t.Errorf("the failure is not in the JSON:\n%s", stdout)
	}
}
