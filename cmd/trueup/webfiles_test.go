package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestRemoteValueFile renders with a value file of a web server, as a user
// would: refused until the flags permit it, then told by --explain.
func TestRemoteValueFile(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("from: the web\n")) }))
	defer server.Close()
	dir := t.TempDir()
	const repo = "https://bob:s3cret@git.example.com/config.git"
	url := server.URL + "/prod.yaml"
	for name, data := range map[string]string{
		"web/Chart.yaml":       "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"web/templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {from: {{ .Values.from | quote }}}\n",
		"app.yaml": fmt.Sprintf(`apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  project: default
  destination: {namespace: shop, server: https://kubernetes.default.svc}
  source: {repoURL: %s, path: web, helm: {valueFiles: ["%s"]}}
`, repo, url+"?token=s3cret"),
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	render := []string{"render", "-f", filepath.Join(dir, "app.yaml"), "--repo", repo + "=" + dir}
	with := func(flags ...string) []string { return slices.Concat(render, flags) }
	permitted := []string{"--helm-value-file-schemes=https,http", "--private-file-hosts=127.0.0.1"}
	for _, tc := range []struct {
		reason string
		args   []string
		code   int
		want   string
	}{
		{"refused by default", render, exitError, "files are not read over http here; the operator permits it with --helm-value-file-schemes"},
		{"the scheme alone does not reach this machine", with("--helm-value-file-schemes=http"), exitError, "is not at a public address"},
		{"permitted", with(permitted...), exitOK, "from: the web"},
		{"explained", with(append(permitted, "--explain")...), exitOK, url},
		{"explained to a program", with(append(permitted, "--explain", "-o", "json")...), exitOK, `"repoURL": "` + url + `"`},
		{"a scheme that nobody reads", with("--helm-value-file-schemes=s3"), exitUsage, `--helm-value-file-schemes "s3": want one of [http https]`},
		{"a URL in the place of a host", with("--private-file-hosts=http://127.0.0.1/"), exitUsage, "want HOST or HOST:PORT"},
	} {
		code, stdout, stderr := call(t, tc.args...)
		if strings.Contains(stdout+stderr, "s3cret") {
			t.Errorf("%s: the token is told:\n%s%s", tc.reason, stdout, stderr)
		}
		if code != tc.code || !strings.Contains(stdout+stderr, tc.want) {
			t.Errorf("%s: exit code %d, want %d and %q:\n%s%s", tc.reason, code, tc.code, tc.want, stdout, stderr)
		}
	}
}
