package git_test

import (
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// refQueries counts the questions for refs since the nth of all.
func (s *server) refQueries(n int) int {
	count := 0
	for _, q := range s.since(n) {
		if s.old && strings.HasSuffix(q.path, "/info/refs") || strings.Contains(q.body, "command=ls-refs") {
			count++
		}
	}
	return count
}

// TestMissingNames: whoever asks for a name that is not there is told what may
// be meant, for one question more, and not one at each poll.
func TestMissingNames(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	r.commit("Start")
	for _, name := range []string{"release-1.2", "release-1.3", "feature/login", "feature/logout", "Staging", "x"} {
		r.git("branch", name)
	}
	r.git("tag", "release-1.2-rc1")
	r.git("tag", "v1.0.0")
	r.git("tag", "svc/2.0.0")
	newer, older := r.server(), r.server()
	older.old = true
	places := map[string]string{"version 2": newer.start(t), "an older protocol": older.start(t), "the disk": r.fileURL()}
	for _, tc := range []struct{ reason, revision, prefix, want string }{
		{"letters that changed places", "mian", "", `there is no branch or tag "mian"; the closest is main`},
		{"a full name", "refs/heads/mian", "", `there is no branch or tag "refs/heads/mian"; the closest is main`},
		{"upper case", "staging", "", `there is no branch or tag "staging"; the closest is Staging; the default branch is main`},
		{"a part of a name", "login", "", `there is no branch or tag "login"; the closest is feature/login; the default branch is main`},
		{"several, the closest first", "release-1.4", "", `there is no branch or tag "release-1.4"; the closest are release-1.2 and release-1.3; the default branch is main`},
		{"nothing is close", "production", "", `there is no branch or tag "production"; the default branch is main`},
		{"a range", "3.x", "", `no tag is in the version range "3.x"; the newest is v1.0.0`},
		{"a range of tags with a prefix", "3.x", "svc/", `no tag that begins with "svc/" is in the version range "3.x"; the newest is svc/2.0.0`},
		{"a range of no tags", "3.x", "web/", `no tag that begins with "web/" is in the version range "3.x"; none is a version`},
	} {
		for place, url := range places {
			_, err := mirrors(t, nil).Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: tc.revision, TagPrefix: tc.prefix})
			if fault.Of(err) != fault.Missing || !strings.HasSuffix(err.Error(), ": "+tc.want) {
				t.Errorf("%s, over %s: got %v, want %s", tc.reason, place, err, tc.want)
			}
		}
	}
	for _, tc := range []struct {
		server *server
		place  string
		first  int
	}{{newer, "version 2", 2}, {older, "an older protocol", 1}} {
		m, url := git.New(git.Options{Dir: t.TempDir()}), places[tc.place]
		missing := func() string {
			_, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "mian"})
			if err == nil {
				t.Fatalf("%s: there is no such branch", tc.place)
			}
			return err.Error()
		}
		before := len(tc.server.since(0))
		first := missing()
		if n := tc.server.refQueries(before); n != tc.first {
			t.Errorf("%s: %d questions at first, want %d", tc.place, n, tc.first)
		}
		before = len(tc.server.since(0))
		for range 3 {
			poll(t, m, url)
			if again := missing(); again != first {
				t.Errorf("%s: first %s\nthen %s", tc.place, first, again)
			}
		}
		if n := tc.server.refQueries(before); n != 3 {
			t.Errorf("%s: %d questions for three polls", tc.place, n)
		}
	}
	m, url := git.New(git.Options{Dir: t.TempDir()}), places["version 2"]
	if _, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "mian"}); err == nil {
		t.Fatal("there is no such branch")
	}
	r.git("branch", "mian")
	if !poll(t, m, url) {
		t.Error("the branch that was missing is there, and the poll tells nobody")
	}
	tree(t, m, url, "mian")
}
