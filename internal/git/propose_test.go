package git_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
)

func proposal(files ...git.ProposedFile) git.Proposal {
	return git.Proposal{
		Base: "main", Branch: "change/one", Files: files, Message: "Change it\n\nBecause.", Author: "Ben <x>", Email: "ben@example.com",
		At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600)),
	}
}

// TestPropose: over every transport, a commit arrives on a branch of its own
// with just the changes that it says.
func TestPropose(t *testing.T) {
	t.Parallel()
	for _, over := range []string{"http", "ssh", "file"} {
		t.Run(over, func(t *testing.T) {
			t.Parallel()
			r := newRepo(t)
			r.write("apps/web/a.yaml", "a: 1\n")
			r.write("apps/web/b.yaml", "b: 1\n")
			r.write("apps/gone/c.yaml", "c: 1\n")
			r.write("apps-x", "sorts between")
			if err := os.Chmod(filepath.Join(r.dir, "apps/web/b.yaml"), 0o755); err != nil {
				t.Fatal(err)
			}
			start := r.commit("Start")
			r.git("config", "http.receivepack", "true")
			url, access := r.fileURL(), git.Credentials(git.Public{})
			switch over {
			case "http":
				access = password("secret")
				url, _ = r.serve("secret")
			case "ssh":
				host, _ := key(t)
				user, private := key(t)
				addr := r.serveSSH(host, user.PublicKey())
				url, access = "ssh://git@"+addr+r.dir, auth{SSHPrivateKey: private, KnownHosts: knownhosts.Line([]string{addr}, host.PublicKey())}
			}
			m := mirrors(t, access)
			if branch, err := m.Branch(t.Context(), url, "HEAD"); err != nil || branch != "main" {
				t.Errorf("the branch of HEAD is %q, %v", branch, err)
			}
			if _, err := m.Branch(t.Context(), url, start); fault.Of(err) != fault.Invalid {
				t.Errorf("the branch of a commit: %v", err)
			}
			p := proposal(
				git.ProposedFile{Path: "apps/web/a.yaml", Before: []byte("a: 1\n"), After: []byte("a: 2\n")},
				git.ProposedFile{Path: "apps/web/b.yaml", Before: []byte("b: 1\n"), After: []byte("b: 2\n")},
				git.ProposedFile{Path: "apps/new/d.yaml", After: []byte("d: 1\n")},
				git.ProposedFile{Path: "apps/gone/c.yaml", Before: []byte("c: 1\n")},
			)
			first, err := m.Propose(t.Context(), url, p)
			if err != nil || !first.New || first.Branch != "change/one" {
				t.Fatalf("proposed %+v, %v", first, err)
			}
			r.git("fsck", "--strict")
			want := strings.Join([]string{
				"change/one " + first.Commit, "", "Ben x ben@example.com 2026-03-01T12:00:00+01:00 Change it", "Because.", "",
				":000000 100644 A apps/new/d.yaml", ":100644 000000 D apps/gone/c.yaml", ":100644 100644 M apps/web/a.yaml", ":100755 100755 M apps/web/b.yaml",
			}, "\n")
			shown := r.git("log", "-1", "--format=%an %ae %aI %s%n%b", "change/one")
			var files []string
			for line := range strings.Lines(r.git("diff", "--raw", "main", "change/one")) {
				f := strings.Fields(line)
				files = append(files, f[0]+" "+f[1]+" "+f[4]+" "+f[5])
			}
			order := []string{files[1], files[0], files[2], files[3]}
			got := "change/one " + r.git("rev-parse", "change/one") + "\n\n" + shown + "\n\n" + strings.Join(order, "\n")
			if got != want {
				t.Errorf("the commit is\n%s\nwant\n%s", got, want)
			}
			if main := r.git("rev-parse", "main"); main != start {
				t.Errorf("main moved to %s", main)
			}

			again, err := m.Propose(t.Context(), url, p)
			if err != nil || again.New || again.Commit != first.Commit {
				t.Errorf("the same once more: %+v, %v", again, err)
			}
			p.Files[0].After = []byte("a: 3\n")
			if other, err := m.Propose(t.Context(), url, p); err != nil || other.Branch != "change/one-2" {
				t.Errorf("another change of that name: %+v, %v", other, err)
			}
			p.Exact = true
			if _, err := m.Propose(t.Context(), url, p); fault.Of(err) != fault.Conflict {
				t.Errorf("another change of exactly that name: %v", err)
			}
			p.Force = true
			if forced, err := m.Propose(t.Context(), url, p); err != nil || forced.Commit != r.git("rev-parse", "change/one") || forced.Commit == first.Commit {
				t.Errorf("by force: %+v, %v", forced, err)
			}
		})
	}
}

func TestProposeRefuses(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	if err := os.Symlink("a", filepath.Join(r.dir, "link")); err != nil {
		t.Fatal(err)
	}
	start := r.commit("Start")
	m := mirrors(t, nil)
	for _, tc := range []struct {
		reason string
		change func(*git.Proposal)
		kind   fault.Kind
	}{
		{"the base itself", func(p *git.Proposal) { p.Branch = "main" }, fault.Invalid},
		{"what is no name", func(p *git.Proposal) { p.Branch = "a..b" }, fault.Invalid},
		{"a base that is not there", func(p *git.Proposal) { p.Base = "other" }, fault.Missing},
		{"a file that changed", func(p *git.Proposal) { p.Files[0].Before = []byte("0") }, fault.Conflict},
		{"a file that came", func(p *git.Proposal) { p.Files[0].Before = nil }, fault.Conflict},
		{"a file that went", func(p *git.Proposal) { p.Files[0].Path = "b" }, fault.Conflict},
		{"a link", func(p *git.Proposal) { p.Files[0].Path = "link" }, fault.Invalid},
	} {
		p := proposal(git.ProposedFile{Path: "a", Before: []byte("1"), After: []byte("2")})
		tc.change(&p)
		if _, err := m.Propose(t.Context(), r.fileURL(), p); fault.Of(err) != tc.kind {
			t.Errorf("%s: %v, want %s", tc.reason, err, tc.kind)
		}
	}
	if refs := r.git("for-each-ref"); !strings.HasPrefix(refs, start) || strings.Contains(refs, "\n") {
		t.Errorf("there are refs:\n%s", refs)
	}
}

// TestProposeIsRefused: what a server does not permit is told with its words.
func TestProposeIsRefused(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	r.commit("Start")
	r.git("config", "http.receivepack", "true")
	hook := filepath.Join(r.dir, ".git", "hooks", "pre-receive")
	r.mkdir(filepath.Dir(hook))
	if err := os.WriteFile(hook, []byte("#!/bin/sh\necho branches are made by release only >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	url, _ := r.serve("secret")
	p := proposal(git.ProposedFile{Path: "a", Before: []byte("1"), After: []byte("2")})
	_, err := mirrors(t, password("secret")).Propose(t.Context(), url, p)
	if fault.Of(err) != fault.Denied || !strings.Contains(err.Error(), "branches are made by release only") {
		t.Errorf("got %v", err)
	}
	if _, err := mirrors(t, password("wrong")).Propose(t.Context(), url, p); fault.Of(err) != fault.Denied {
		t.Errorf("with a wrong password: %v", err)
	}
}
