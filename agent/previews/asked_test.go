package previews_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/agent/previews"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/follow"
	"github.com/trueup-dev/trueup/preview/post"
)

// two changes a second application, too.
func two(_ context.Context, p post.Pull) (preview.Report, error) {
	r := changed(p, "base1")
	other := r.Apps[0]
	other.Name = "db"
	r.Apps = append(r.Apps, other)
	return r, nil
}

// syncing starts a sync of two applications, which waits in the first one.
func syncing(t *testing.T) (w *world, s *previews.Service, stop func(), id string, release chan struct{}) {
	t.Helper()
	w = newWorld(t)
	w.settings.SyncBefore, w.try = true, two
	began := make(chan struct{}, 2)
	release = make(chan struct{})
	w.syncing = func(ctx context.Context, _ follow.App) error {
		began <- struct{}{}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-release:
			return ctx.Err()
		}
	}
	s, stop = w.start()
	w.set(s, post.Pull{Number: 4, Head: "one"})
	w.says(4, "+ data.step: one")
	id = w.say(4, ana, "/trueup sync")
	w.set(s, post.Pull{Number: 4, Head: "one"})
	<-began
	return w, s, stop, id, release
}

// TestNewerHeadStopsNoSync: what was answered is carried out to its end.
func TestNewerHeadStopsNoSync(t *testing.T) {
	t.Parallel()
	w, s, _, id, release := syncing(t)
	w.says(4, "to="+id+" -->", "syncing 2 of the applications")
	w.set(s, post.Pull{Number: 4, Head: "two"})
	close(release)
	w.says(4, "to="+id+" -->", "web: a sync was asked for", "db: a sync was asked for")
	w.says(4, "+ data.step: two")
	w.mu.Lock()
	defer w.mu.Unlock()
	if diff := cmp.Diff([]string{"web by ana (pull request 4)", "db by ana (pull request 4)"}, w.synced); diff != "" {
		t.Errorf("synced (-want +got):\n%s", diff)
	}
}

// TestEndStopsASync: the agent does not end before what it began, and that does
// not keep it.
func TestEndStopsASync(t *testing.T) {
	t.Parallel()
	w, _, stop, _, _ := syncing(t)
	stop()
	if n := w.count(func() int { return len(w.synced) }); n > 0 {
		t.Errorf("%d syncs after the end", n)
	}
}

// TestStrangers: who may not write gets one answer, and keeps nobody else from
// theirs.
func TestStrangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, _ := w.start()
	pull := post.Pull{Number: 4, Head: "one", Fork: true, Author: eve}
	w.set(s, pull)
	w.says(4, "+ data.step: one")
	for i := range 40 {
		w.say(4, eve, fmt.Sprintf("/trueup bogus %d", i))
	}
	first := w.say(4, eve, "/trueup sync")
	for range 40 {
		w.say(4, eve, "/trueup help")
	}
	for i := range 30 {
		w.say(4, post.Author{ID: fmt.Sprint(100 + i), Name: fmt.Sprint("mallory", i)}, "/trueup preview")
	}
	last := w.say(4, ana, "/trueup help")
	w.set(s, pull)
	w.says(4, "to="+first+" -->", "refused: eve may not write", "Further commands of who may not write are not answered")
	w.says(4, "to="+last+" -->", "these are the commands")
	// What eve wrote is gone, and what she was told is not forgotten.
	w.mu.Lock()
	kept := w.comments[4][:0]
	for _, c := range w.comments[4] {
		if c.Author != eve {
			kept = append(kept, c)
		}
	}
	w.comments[4] = kept
	w.mu.Unlock()
	w.say(4, eve, "/trueup sync")
	again := w.say(4, ana, "/trueup help")
	w.set(s, pull)
	w.says(4, "to="+again+" -->")
	w.mu.Lock()
	defer w.mu.Unlock()
	answers := map[string]int{}
	for _, c := range w.comments[4] {
		for _, who := range []string{"eve", "mallory", "ana"} {
			if c.Author == bot && strings.Contains(c.Body, "</code> by "+who) {
				answers[who]++
			}
		}
	}
	if diff := cmp.Diff(map[string]int{"eve": 1, "mallory": 9, "ana": 2}, answers); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

// TestStrangerWhoMayWriteNow is heard from then on. What was left unanswered
// long ago is not carried out.
func TestStrangerWhoMayWriteNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, _ := w.start()
	w.set(s, post.Pull{Number: 4, Head: "one"})
	w.says(4, "+ data.step: one")
	first := w.say(4, eve, "/trueup preview")
	w.set(s, post.Pull{Number: 4, Head: "one"})
	w.says(4, "to="+first+" -->", "refused")
	w.say(4, eve, "/trueup sync web")
	w.mu.Lock()
	w.writers = []post.Author{eve}
	w.now = time.Now()
	w.mu.Unlock()
	now := w.say(4, eve, "/trueup sync web")
	w.set(s, post.Pull{Number: 4, Head: "one", State: post.Merged, Merge: "m1"})
	w.says(4, "to="+now+" -->", "a sync was asked for")
	w.mu.Lock()
	defer w.mu.Unlock()
	if diff := cmp.Diff([]string{"web by eve (pull request 4)"}, w.synced); diff != "" {
		t.Errorf("synced (-want +got):\n%s", diff)
	}
}
