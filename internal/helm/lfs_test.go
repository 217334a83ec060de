package helm_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/helm"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// TestLFS has files kept by Git LFS in a chart's folder: they matter to who
// needs them only.
func TestLFS(t *testing.T) {
	t.Parallel()
	const pointer = snapshot.LFSHeader + "oid sha256:4d7a\nsize 12345\n"
	const object = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
	for _, tc := range []struct {
		reason, says string
		files        map[string]string
	}{
		{"a picture for the README", "", map[string]string{"docs/logo.png": pointer, "templates/a.yaml": object}},
		{"a picture beside the README", "", map[string]string{"logo.png": pointer, "templates/a.yaml": object}},
		{"a template", "read web/templates/a.yaml: the file is a Git LFS pointer", map[string]string{"templates/a.yaml": pointer}},
		{"the values", "read web/values.yaml: the file is a Git LFS pointer", map[string]string{"values.yaml": pointer, "templates/a.yaml": object}},
		{"a file that a template puts into an object", "is a Git LFS pointer; LFS is not supported", map[string]string{
			"big.txt": pointer, "templates/a.yaml": object + "stringData:\n  big: {{ .Files.Get \"big.txt\" | quote }}\n"}},
		{"the same in the form of a Secret", "is a Git LFS pointer; LFS is not supported", map[string]string{
			"big.txt": pointer, "templates/a.yaml": object + "data:\n{{ (.Files.Glob \"big.txt\").AsSecrets | indent 2 }}\n"}},
	} {
		root := t.TempDir()
		tc.files["Chart.yaml"] = metadata
		for name, text := range tc.files {
			name = filepath.Join(root, "web", name)
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		files, err := snapshot.Dir(root)
		if err != nil {
			t.Fatal(err)
		}
		got, err := helm.New().Render(t.Context(), render.Request{App: "web", Tree: files, Source: v1alpha1.ApplicationSource{Path: "web"}})
		switch {
		case tc.says == "" && (err != nil || len(got) != 1):
			t.Errorf("%s: got %d objects, %v", tc.reason, len(got), err)
		case tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says) || fault.Of(err) != fault.Invalid):
			t.Errorf("%s: got %v, want %q", tc.reason, err, tc.says)
		}
	}
}
