package agent

import (
	"context"
	"sync"

	"github.com/trueup-dev/trueup/internal/history"
	"github.com/trueup-dev/trueup/reconcile"
)

// repeats finds what an earlier process had written into the history when it
// ended, before it could write the status: its successor sees it once more.
type repeats struct {
	past history.Reader // may be nil

	mu    sync.Mutex
	known map[string]bool // applications whose first events were looked at
}

// without leaves out moments that the history ends with already. What it
// cannot tell stays: a moment told twice is better than one that is lost.
func (r *repeats) without(ctx context.Context, events []reconcile.DriftEvent) []reconcile.DriftEvent {
	if r == nil || r.past == nil || len(events) == 0 {
		return events
	}
	app := events[0].App
	r.mu.Lock()
	first := !r.known[app]
	if r.known == nil {
		r.known = map[string]bool{}
	}
	r.known[app] = true
	r.mu.Unlock()
	if !first {
		return events
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxWrite)
	defer cancel()
	var out []reconcile.DriftEvent
	for _, e := range events {
		if last, ok := r.last(ctx, driftOf(e)); !ok || !repeated(last, driftOf(e)) {
			out = append(out, e)
		}
	}
	return out
}

// last is the newest entry of the same difference.
func (r *repeats) last(ctx context.Context, of history.Drift) (history.Drift, bool) {
	past, err := r.past.Drifts(ctx, history.Query{App: of.App, Kind: of.Kind, Name: of.Name, Path: of.Path})
	if err != nil {
		return history.Drift{}, false
	}
	for _, d := range past {
		if d.Object == of.Object && d.Path == of.Path {
			return d, true
		}
	}
	return history.Drift{}, false
}

// repeated reports a moment that says what the last one said. Marks of secrets
// are another process's, and never equal: one that was open stays so whatever
// they say, and is changed by this process alone. News of who made a difference
// never repeat it.
func repeated(last, now history.Drift) bool {
	switch {
	case now.Moment == string(reconcile.Blamed):
		return false
	case last.Cleared || now.Cleared:
		return last.Cleared && now.Cleared
	}
	secret := now.Kind == "Secret" && now.Group == ""
	if secret && now.Moment != string(reconcile.Opened) {
		return false
	}
	return last.Manager == now.Manager && (secret || last.Live == now.Live && last.Desired == now.Desired)
}
