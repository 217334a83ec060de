package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/internal/golden"
)

// sopsRender is the command line over one of the examples.
func sopsRender(app string, more ...string) []string {
	return append([]string{"render", "-f", example("sops", app+".yaml"),
		"--repo", "https://git.example.com/config.git=" + example("sops", "config")}, more...)
}

// TestEncryptedFiles runs every engine over encrypted files, as a user would.
func TestEncryptedFiles(t *testing.T) {
	t.Parallel()
	key := []string{"--sops-age-key-file", example("sops", "example.agekey")}
	show := append([]string{"--show-secrets"}, key...)
	for name, args := range map[string][]string{
		"sops-directory": sopsRender("directory", show...),
		"sops-kustomize": sopsRender("kustomize", show...),
		"sops-helm":      sopsRender("helm", show...),
		"sops-masked":    sopsRender("kustomize", key...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := call(t, args...)
			if code != exitOK {
				t.Fatalf("exit code %d; standard error:\n%s", code, stderr)
			}
			golden.File(t, filepath.Join("testdata", name+".golden"), stdout)
		})
	}
}

func TestEncryptedFilesWithoutTheKey(t *testing.T) {
	t.Parallel()
	other := filepath.Join("..", "..", "internal", "secret", "testdata", "keys", "alice.agekey")
	for _, tc := range []struct {
		reason, app string
		args        []string
		says        []string
	}{
		{"no key at all", "directory", nil, []string{"directory/secret.yaml", "age1", "--sops-age-key-file"}},
		{"the key of somebody else", "kustomize", []string{"--sops-age-key-file", other}, []string{"kustomize/", "age1"}},
		{"a value file of a chart", "helm", nil, []string{"helm/secrets.eu.yaml", "age1"}},
	} {
		code, stdout, stderr := call(t, sopsRender(tc.app, tc.args...)...)
		if code != exitError || stdout != "" {
			t.Errorf("%s: exit code %d, standard output %q", tc.reason, code, stdout)
		}
		for _, text := range tc.says {
			if !strings.Contains(stderr, text) {
				t.Errorf("%s: %q is not in: %s", tc.reason, text, stderr)
			}
		}
	}
}

// TestLockedNeighbours: a chart's folder may hold values of other clusters,
// with keys that are not here.
func TestLockedNeighbours(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(example("sops"))); err != nil {
		t.Fatal(err)
	}
	app, err := os.ReadFile(filepath.Join(dir, "helm.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	plain, _, _ := strings.Cut(string(app), "    helm:\n")
	_, destination, _ := strings.Cut(string(app), "# encrypted\n")
	file := filepath.Join(dir, "plain.yaml")
	if err := os.WriteFile(file, []byte(plain+destination), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := call(t, "render", "-f", file, "--repo", "https://git.example.com/config.git="+filepath.Join(dir, "config"), "--show-secrets")
	if code != exitOK || !strings.Contains(stdout, `password: ""`) {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}
