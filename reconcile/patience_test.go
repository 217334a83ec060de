package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// onTheirWay is a source whose files are on their way for as long as anybody waits.
type onTheirWay struct{ Sources }

func (onTheirWay) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	<-ctx.Done()
	return snapshot.Tree{}, fmt.Errorf("open %s: %w: %w", at.RepoURL, snapshot.ErrPending, ctx.Err())
}

// TestPatience: a worker does not wait for a fetch as long as that takes, and a
// sync that somebody asked for is not over because of it.
func TestPatience(t *testing.T) {
	t.Parallel()
	f, c := newFlow(t, twoWaves)
	here := f.Sources
	f.Sources, f.Patience = onTheirWay{here}, time.Millisecond
	app, mem := application(&v1alpha1.SyncOperation{}), &Memory{}
	out := f.Run(t.Context(), app, mem)
	if !errors.Is(out.Err, snapshot.ErrPending) || out.After == 0 || out.Done {
		t.Fatalf("while the files are on their way: %v, look again after %s, done %v", out.Err, out.After, out.Done)
	}
	if text := fmt.Sprint(out.Status.Conditions); !strings.Contains(text, "the files are still being fetched") {
		t.Errorf("the conditions do not say why: %s", text)
	}
	f.Sources = here
	if out := f.Run(t.Context(), app, mem); out.Err != nil || c.writes == 0 {
		t.Errorf("with the files here: %v, %d writes", out.Err, c.writes)
	}
}
