package crds_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGenerated fails when the types changed and `make generate` was not run.
func TestGenerated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "tool", "-modfile=../../tools/go.mod", "controller-gen",
		"object", "crd:maxDescLen=0", "paths=.", "output:object:dir="+dir, "output:crd:dir="+dir)
	cmd.Dir = filepath.Join("..", "..", "api", "v1alpha1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("controller-gen: %v\n%s", err, out)
	}
	for _, file := range []string{
		"../../api/v1alpha1/zz_generated.deepcopy.go", "trueup.dev_applications.yaml", "trueup.dev_applicationsets.yaml", "trueup.dev_projects.yaml",
	} {
		want, err := os.ReadFile(filepath.Join(dir, filepath.Base(file)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is stale, run make generate (-fresh +tree):\n%s", file, diff)
		}
	}
}
