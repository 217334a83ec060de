package previews_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/trueup-dev/trueup/agent/previews"
	"github.com/trueup-dev/trueup/preview/follow"
	"github.com/trueup-dev/trueup/preview/post"
)

// TestMergedWithAnotherHead: the applications of a head that was not merged are
// neither followed nor synced.
func TestMergedWithAnotherHead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, _ := w.start()
	w.set(s, post.Pull{Number: 4, Head: "one"})
	w.says(4, "+ data.step: one")
	w.until("the status is set", func() bool { return w.count(func() int { return len(w.statuses) }) == 2 })
	two := post.Pull{Number: 4, Head: "two", State: post.Merged, Merge: "m1"}
	w.put(two, post.Comment{ID: "sync", Author: ana, Body: "/trueup sync", Created: w.now})
	w.set(s, two)
	w.says(4, "to=sync -->", "refused", "the preview is of one, and the head of the pull request is two")
	w.says(4, "it was merged before there was one", "the preview is of one")
	w.until("the head has a status", func() bool { return w.count(func() int { return len(w.statuses) }) == 3 })
	w.mu.Lock()
	defer w.mu.Unlock()
	if last := w.statuses[2]; last != "two trueup/preview neutral: it was merged before there was a preview" {
		t.Errorf("the last status is %q", last)
	}
	if len(w.synced) > 0 || len(w.deployed) > 0 {
		t.Errorf("synced %q, deployed %q", w.synced, w.deployed)
	}
}

// TestSyncOfAnotherHead: before the merge, too, a sync is of the head that the
// preview is of.
func TestSyncOfAnotherHead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings.SyncBefore = true
	s, stop := w.start()
	w.set(s, post.Pull{Number: 4, Head: "one"})
	w.says(4, "+ data.step: one")
	stop()
	two := post.Pull{Number: 4, Head: "two"}
	w.put(two, post.Comment{ID: "sync", Author: ana, Body: "/trueup sync", Created: w.now})
	s, _ = w.start()
	w.set(s, two)
	w.says(4, "to=sync -->", "refused", "the preview is of one")
	if n := w.count(func() int { return len(w.synced) }); n > 0 {
		t.Errorf("%d syncs", n)
	}
}

// TestBranchGoesOnAfterTheMerge: some forges call the end of the branch the head
// of a pull request that was merged, too. What was compared stays.
func TestBranchGoesOnAfterTheMerge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, stop := w.start()
	w.set(s, post.Pull{Number: 4, Head: "one"})
	w.says(4, "+ data.step: one")
	w.seen = follow.Seen{Found: true, Automated: true}
	w.set(s, post.Pull{Number: 4, Head: "one", State: post.Merged, Merge: "m1"})
	w.says(4, "web: ⏳ waiting")
	stop()
	w.seen = follow.Seen{Found: true, Contains: true, Synced: true, Health: "Healthy"}
	s, _ = w.start()
	w.set(s, post.Pull{Number: 4, Head: "two", State: post.Merged, Merge: "m1"})
	body := w.says(4, "### After the merge: applied and healthy")
	if strings.Contains(body, "merged before there was one") {
		t.Error(body)
	}
}

// TestMergedBeforeTheStatus: what is merged between the comment and the status
// of its preview gets both.
func TestMergedBeforeTheStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var s *previews.Service
	var once sync.Once
	w.edited = func(ctx context.Context, body string) {
		if strings.Contains(body, "+ data.step: one") {
			once.Do(func() {
				w.set(s, post.Pull{Number: 4, Head: "one", State: post.Merged, Merge: "m1"})
				<-ctx.Done()
			})
		}
	}
	s, _ = w.start()
	w.set(s, post.Pull{Number: 4, Head: "one"})
	w.until("the head has its status", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return slices.Contains(w.statuses, "one trueup/preview neutral: 1 of 3 applications changes: 1 update")
	})
	w.says(4, "### After the merge")
}
