package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"golang.org/x/tools/txtar"

	"github.com/trueup-dev/trueup/internal/golden"
)

// previewed is a repository on disk with a branch main and a branch feature.
type previewed struct {
	t    *testing.T
	dir  string
	repo *gogit.Repository
	at   time.Time
}

func newPreviewed(t *testing.T) *previewed {
	t.Helper()
	dir := t.TempDir()
	repo, err := gogit.PlainInitWithOptions(dir, &gogit.PlainInitOptions{InitOptions: gogit.InitOptions{DefaultBranch: plumbing.NewBranchReferenceName("main")}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := repo.CreateRemote(&config.RemoteConfig{Name: "origin", URLs: []string{"git@git.example.com:config.git"}}); err != nil {
		t.Fatal(err)
	}
	return &previewed{t, dir, repo, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

// commit writes files, deletes those whose text is "(deleted)", and commits.
func (p *previewed) commit(files map[string]string) {
	p.t.Helper()
	for name, text := range files {
		full := filepath.Join(p.dir, name)
		if text == "(deleted)\n" {
			if err := os.Remove(full); err != nil {
				p.t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			p.t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			p.t.Fatal(err)
		}
	}
	w, err := p.repo.Worktree()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := w.AddWithOptions(&gogit.AddOptions{All: true}); err != nil {
		p.t.Fatal(err)
	}
	p.at = p.at.Add(time.Minute)
	who := &object.Signature{Name: "Ana", Email: "ana@example.com", When: p.at}
	if _, err := w.Commit("change", &gogit.CommitOptions{Author: who, Committer: who, AllowEmptyCommits: true}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *previewed) checkout(branch string, create bool) {
	p.t.Helper()
	w, err := p.repo.Worktree()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := w.Checkout(&gogit.CheckoutOptions{Branch: plumbing.NewBranchReferenceName(branch), Create: create}); err != nil {
		p.t.Fatal(err)
	}
}

// unsteady is what differs from run to run.
var unsteady = regexp.MustCompile(`\d+\.\d s|#[0-9a-f]{8}>`)

// TestPreview runs the cases of testdata/preview: files of base/, of main/ that
// come to the branch later, and of head/, the change. The first line may hold
// flags.
func TestPreview(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/preview/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			parts := map[string]map[string]string{"base": {}, "main": {}, "head": {}}
			for _, f := range archive.Files {
				side, rest, _ := strings.Cut(f.Name, "/")
				parts[side][rest] = string(f.Data)
			}
			p := newPreviewed(t)
			p.commit(parts["base"])
			p.checkout("feature", true)
			p.checkout("main", false)
			p.commit(parts["main"])
			p.checkout("feature", false)
			p.commit(parts["head"])
			flags, _, _ := strings.Cut(string(archive.Comment), "\n")
			args := append([]string{"preview", "--repo", p.dir, "--cache-dir", ""}, strings.Fields(flags)...)
			code, stdout, stderr := call(t, args...)
			if code != exitOK && code != exitDrift && code != exitIncomplete && code != exitError {
				t.Errorf("exit code %d", code)
			}
			got := unsteady.ReplaceAllString(stdout, "(...)") + strings.ReplaceAll(stderr, p.dir, "DIR")
			got += "exit code " + string(rune('0'+code)) + "\n"
			golden.File(t, strings.TrimSuffix(name, ".txtar")+".golden", got)
		})
	}
}

// TestPreviewOfAnUnknownRepository: a repository that no application names is
// not told as one whose change has no effect; by its own path it is known.
func TestPreviewOfAnUnknownRepository(t *testing.T) {
	t.Parallel()
	config, apps := newPreviewed(t), newPreviewed(t)
	note := func(x string) map[string]string {
		return map[string]string{"plain/note.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: note}\ndata: {x: \"" + x + "\"}\n"}
	}
	apps.commit(note("1"))
	config.commit(note("1"))
	config.checkout("feature", true)
	config.commit(note("2"))
	app := func(repo string) string {
		file := filepath.Join(t.TempDir(), "app.yaml")
		text := "apiVersion: v1\nkind: List\nitems:\n- apiVersion: trueup.dev/v1alpha1\n  kind: Application\n  metadata: {name: a, namespace: trueup}\n" +
			"  spec: {source: {repoURL: \"file://" + repo + "\", path: plain}, destination: {name: eu, namespace: shop}}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	code, stdout, stderr := call(t, "preview", "--repo", config.dir, "--cache-dir", "", "--apps", app(apps.dir))
	if want := "no application reads the branch main of this repository, which goes by file://" + config.dir + ", git@git.example.com:config.git"; code != exitOK || !strings.Contains(stdout+stderr, want) {
		t.Errorf("another repository: code %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, stderr = call(t, "preview", "--repo", config.dir, "--cache-dir", "", "--apps", app(config.dir))
	if code != exitDrift || strings.Contains(stdout+stderr, "no application reads") || !strings.Contains(stdout, "1 of 1 application changes") {
		t.Errorf("this repository: code %d\n%s%s", code, stdout, stderr)
	}
}
