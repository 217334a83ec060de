package registry_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/registry"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// TestFetchOutlastsWhoAskedForIt has a server that takes longer than one who
// asks for a chart, and another one who waits for the same archive.
func TestFetchOutlastsWhoAskedForIt(t *testing.T) {
	t.Parallel()
	s, _, url := helmRepo(t)
	entered, leave := make(chan struct{}, 10), make(chan struct{})
	next := s.handler
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, ".tgz") {
			entered <- struct{}{}
			<-leave
		}
		next.ServeHTTP(w, req)
	})
	o := open(t, credentials{url: {Username: user, Password: password, CA: s.ca()}})
	at := snapshot.Location{RepoURL: url, Chart: "web", Revision: "1.0.0"}
	hasty, leaves := context.WithCancel(t.Context())
	asked := make(chan error)
	ask := func(ctx context.Context) {
		_, err := o.Tree(ctx, at)
		asked <- err
	}
	go ask(hasty)
	<-entered
	leaves()
	if err := <-asked; !errors.Is(err, snapshot.ErrPending) || !errors.Is(err, context.Canceled) {
		t.Errorf("who left was told %v", err)
	}
	go ask(t.Context())
	close(leave)
	if err := <-asked; err != nil || len(entered) > 0 {
		t.Errorf("who came later was told %v, after %d fetches more", err, len(entered))
	}
}

// TestFailuresAreRemembered has many applications ask a repository that fails.
func TestFailuresAreRemembered(t *testing.T) {
	t.Parallel()
	s, r, url := helmRepo(t)
	now := time.Now()
	access := credentials{url: {Username: user, Password: password, CA: s.ca()}}
	o := opener{registry.New(registry.Options{Dir: t.TempDir(), Credentials: access, Now: func() time.Time { return now }}), t, ""}
	asked := func(reason, revision string, kind fault.Kind, want int) {
		t.Helper()
		before := s.requests()
		for i := range 20 {
			at := snapshot.Location{RepoURL: url, Chart: "web", Revision: strings.ReplaceAll(revision, "N", strconv.Itoa(i))}
			if _, err := o.Tree(t.Context(), at); fault.Of(err) != kind {
				t.Fatalf("%s: got %v, want it to be %s", reason, err, kind)
			}
		}
		if got := s.requests() - before; got != want {
			t.Errorf("%s: %d requests, want %d", reason, got, want)
		}
	}
	s.setBroken(true)
	asked("a repository that is away", ">=0.N", fault.Transient, 1)
	now = now.Add(6 * time.Second)
	asked("six seconds later", ">=0.N", fault.Transient, 1)
	now = now.Add(6 * time.Second)
	asked("another six, after the second failure", ">=0.N", fault.Transient, 0)
	if _, err := o.Poll(t.Context(), url); err == nil {
		t.Error("the poll found it")
	}
	asked("a poll", ">=0.N", fault.Transient, 1)
	access[url] = registry.Auth{Username: user, Password: "other", CA: s.ca()}
	s.setBroken(false)
	asked("other credentials", ">=0.N", fault.Denied, 1)
	access[url] = registry.Auth{Username: user, Password: password, CA: s.ca()}
	r.add("web", "9.0.0", "lost.tgz", "")
	asked("an archive that is not there", "9.0.0", fault.Missing, 2)
	asked("says nothing of others", "1.0.0", "", 1)
	asked("and is remembered still", "9.0.0", fault.Missing, 0)
}
