package git_test

import (
	"context"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// TestFailuresAreRemembered has many applications ask for a repository that is
// away.
func TestFailuresAreRemembered(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	r.commit("Start")
	url, queries := r.serve("right")
	if err := os.Rename(r.dir, r.dir+".gone"); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	secret := &changing{"right"}
	m := git.New(git.Options{Dir: t.TempDir(), Credentials: secret, Now: func() time.Time { return now }})
	t.Cleanup(m.Close)
	failures := func(times int) {
		t.Helper()
		for range times {
			if _, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "main"}); err == nil {
				t.Fatal("a repository that is away was opened")
			}
		}
	}
	asked := func(reason string, want int, do func()) {
		t.Helper()
		before := *queries
		do()
		if got := *queries - before; got != want {
			t.Errorf("%s: %d queries, want %d", reason, got, want)
		}
	}
	asked("fifty applications", 1, func() { failures(50) })
	now = now.Add(6 * time.Second)
	asked("six seconds later", 1, func() { failures(50) })
	now = now.Add(6 * time.Second)
	asked("another six, after the second failure", 0, func() { failures(50) })
	asked("a poll", 1, func() {
		if _, err := m.Poll(t.Context(), url); err == nil {
			t.Error("the poll found it")
		}
	})
	secret.password = "wrong"
	asked("other credentials", 0, func() { failures(50) }) // they are refused before a query counts
	if _, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "main"}); fault.Of(err) != fault.Denied {
		t.Errorf("other credentials: got %v, want what the server said of them", err)
	}
	secret.password = "right"
	if err := os.Rename(r.dir+".gone", r.dir); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Poll(t.Context(), url); err != nil {
		t.Error(err)
	}
	if _, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "main"}); err != nil {
		t.Errorf("after a poll that succeeded: %v", err)
	}
}

// changing is a secret that somebody replaces.
type changing struct{ password string }

func (c *changing) For(context.Context, string) (git.Auth, error) {
	return git.Auth{Username: "ana", Password: c.password}, nil
}

// TestNobodyWaitsForAServerThatFailed has a server fail, and then not answer.
func TestNobodyWaitsForAServerThatFailed(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	s := r.server()
	var silent atomic.Bool
	held, release := make(chan struct{}, 1), make(chan struct{})
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if silent.Load() {
			held <- struct{}{}
			<-release
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	url := s.start(t)
	m := mirrors(t, nil)
	at := snapshot.Location{RepoURL: url, Revision: "main"}
	if _, err := m.Tree(t.Context(), at); err == nil {
		t.Fatal("the server failed, and the repository was opened")
	}
	silent.Store(true)
	done := make(chan error)
	go func() {
		_, err := m.Poll(t.Context(), url)
		done <- err
	}()
	<-held
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := m.Tree(ctx, at); err == nil || ctx.Err() != nil {
		t.Errorf("got %v, %v; want the last failure at once", err, ctx.Err())
	}
	close(release)
	if err := <-done; err == nil {
		t.Error("the poll succeeded")
	}
}
