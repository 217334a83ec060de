package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
)

// TestRenderChart renders a chart of a Helm repository, with a dependency from
// there and values of another source, as a user would.
func TestRenderChart(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{}
	index := "apiVersion: v1\nentries:\n"
	save := func(c *chart.Chart) {
		name, err := chartutil.Save(c, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Clean(name))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		files["/"+filepath.Base(name)] = data
		index += fmt.Sprintf("  %s: [{version: %s, digest: %s, urls: [%s]}]\n", c.Name(), c.Metadata.Version, hex.EncodeToString(sum[:]), filepath.Base(name))
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/index.yaml" {
			_, _ = w.Write([]byte(index))
			return
		}
		_, _ = w.Write(files[req.URL.Path])
	}))
	defer server.Close()
	template := []*chart.File{{Name: "templates/a.yaml", Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}-{{ .Chart.Name }}}\ndata: {from: {{ .Values.from | quote }}}\n")}}
	save(&chart.Chart{Metadata: &chart.Metadata{APIVersion: "v2", Name: "db", Version: "2.0.0"}, Templates: template})
	save(&chart.Chart{Metadata: &chart.Metadata{APIVersion: "v2", Name: "web", Version: "1.2.0", Dependencies: []*chart.Dependency{
		{Name: "db", Version: "2.x", Repository: server.URL},
	}}, Templates: template})

	dir := t.TempDir()
	app := fmt.Sprintf(`apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  project: default
  destination: {namespace: shop, server: https://kubernetes.default.svc}
  sources:
  - {repoURL: %s, chart: web, targetRevision: ^1.0.0, helm: {valueFiles: [$cfg/prod.yaml]}}
  - {repoURL: https://git.example.com/config.git, ref: cfg}
`, server.URL)
	for name, data := range map[string]string{"app.yaml": app, "prod.yaml": "from: another source\ndb: {from: the parent}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, stdout, stderr := call(t, "render", "-f", filepath.Join(dir, "app.yaml"), "--repo", "https://git.example.com/config.git="+dir)
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{"name: shop-web", "from: another source", "name: shop-db", "from: the parent"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in:\n%s", want, stdout)
		}
	}
	if !strings.Contains(stderr, "the dependency db of the chart in . is not locked") {
		t.Errorf("an open range was to be told: %s", stderr)
	}
}
