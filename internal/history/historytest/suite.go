package historytest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/drift/ownership"
	"github.com/trueup-dev/trueup/internal/history"
)

// Run runs the contract on stores that open makes: each time an empty one.
func Run(t *testing.T, open func(t *testing.T) history.Store) {
	t.Run("runs come back as they were, the newest first", func(t *testing.T) { runs(t, open(t)) })
	t.Run("drift comes back as it was, the newest first", func(t *testing.T) { drifts(t, open(t)) })
	t.Run("applications do not see each other", func(t *testing.T) { apart(t, open(t)) })
	t.Run("drift is picked by object, path, manager and time", func(t *testing.T) { picks(t, open(t)) })
	t.Run("lists are bounded and go on", func(t *testing.T) { pages(t, open(t)) })
	t.Run("what is old is forgotten", func(t *testing.T) { trims(t, open(t)) })
	t.Run("many write at once", func(t *testing.T) { parallel(t, open(t)) })
}

func at(minute int) time.Time { return time.Date(2026, 3, 1, 12, minute, 0, 5e6, time.UTC) }

func sample(app string, minute int) history.Run {
	return history.Run{
		App: app, Repo: "https://example.com/r.git", Revision: "4f2c1ab0", Subject: "Say 'hello' \u2713", Author: "Ada", Started: at(minute), Finished: at(minute + 1),
		Phase: "Failed", Message: "no;\nway", Reason: "Drift", Initiator: "ada", Automated: true, DryRun: true,
		Changes: []history.Change{{Object: history.Object{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}, Action: "update", Status: "Failed", Message: "denied"}},
	}
}

func difference(app string, minute int) history.Drift {
	since := at(minute - 1)
	return history.Drift{
		App: app, At: at(minute), Object: history.Object{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}, State: "Modified",
		Path: `metadata.labels["a/b"]`, Desired: `"x"`, Live: "3", Manager: "kubectl-edit", Operation: "Update", Since: &since,
		Moment: "changed", How: "reverted", By: "ada", FoundAt: &since, Subresource: "scale",
		Audit: []audit.Actor{
			{User: "ana", Impersonator: "ci", Addresses: []string{"10.0.0.7"}, ForwardedFor: []string{"203.0.113.9"}, UserAgent: "kubectl/v1", Manager: "kubectl-edit", Time: since},
			{User: "ben", Time: since},
		},
		Trace: &ownership.Trace{After: since, Before: at(minute), Managers: []string{"helm"}},
	}
}

func runs(t *testing.T, s history.Store) {
	first, second := sample("ns/a", 0), history.Run{App: "ns/a", Started: at(5), Finished: at(5), Phase: "Succeeded", Changes: []history.Change{}}
	must(t, s.AddRun(t.Context(), first))
	must(t, s.AddRun(t.Context(), second))
	got := runsOf(t, s, history.Query{App: "ns/a"})
	if len(got) != 2 || got[0].ID <= got[1].ID {
		t.Fatalf("got %+v", got)
	}
	second.ID, first.ID = got[0].ID, got[1].ID
	if diff := cmp.Diff([]history.Run{second, first}, got); diff != "" {
		t.Error(diff)
	}
}

func drifts(t *testing.T, s history.Store) {
	first, second := difference("ns/a", 1), history.Drift{App: "ns/a", At: at(2), Cleared: true, Object: history.Object{Kind: "ConfigMap", Name: "c"}}
	must(t, s.AddDrift(t.Context(), []history.Drift{first, second}))
	must(t, s.AddDrift(t.Context(), nil))
	got := driftsOf(t, s, history.Query{App: "ns/a"})
	if len(got) != 2 || got[0].ID <= got[1].ID {
		t.Fatalf("got %+v", got)
	}
	second.ID, first.ID = got[0].ID, got[1].ID
	if diff := cmp.Diff([]history.Drift{second, first}, got); diff != "" {
		t.Error(diff)
	}
}

func apart(t *testing.T, s history.Store) {
	must(t, s.AddRun(t.Context(), sample("ns/a", 0)))
	must(t, s.AddDrift(t.Context(), []history.Drift{difference("ns/a", 1)}))
	for _, app := range []string{"ns/b", "ns/A", "ns/a%", "other/a", "ns/%"} {
		if got := runsOf(t, s, history.Query{App: app}); len(got) != 0 {
			t.Errorf("%q has runs: %+v", app, got)
		}
		if got := driftsOf(t, s, history.Query{App: app}); len(got) != 0 {
			t.Errorf("%q has drift: %+v", app, got)
		}
	}
}

func picks(t *testing.T, s history.Store) {
	image := difference("ns/a", 1)
	other := difference("ns/b_", 2)
	other.Kind, other.Name, other.Manager, other.Path = "ConfigMap", "c", "kubectl", "data"
	other.Audit = []audit.Actor{{User: `o'ne "%`}}
	whole := difference("ns/b_", 3)
	whole.Path, whole.Manager, whole.Audit = "", "", nil
	away := difference("ns2/a", 4)
	must(t, s.AddDrift(t.Context(), []history.Drift{image, other, whole, away}))
	for _, tc := range []struct {
		q    history.Query
		want []int // minutes
	}{
		{history.Query{App: "ns/*"}, []int{3, 2, 1}},
		{history.Query{App: "ns/*", Limit: 1}, []int{3}},
		{history.Query{App: "n_/*"}, nil},
		{history.Query{App: "ns/b_"}, []int{3, 2}},
		{history.Query{App: "ns/*", Kind: "deployment"}, []int{3, 1}},
		{history.Query{App: "ns/*", Kind: "ConfigMap", Name: "c"}, []int{2}},
		{history.Query{App: "ns/*", Name: "C"}, nil},
		{history.Query{App: "ns/*", Path: "metadata"}, []int{1}},
		{history.Query{App: "ns/*", Path: "metadata.labels"}, []int{1}},
		{history.Query{App: "ns/*", Path: "metadata.label"}, nil},
		{history.Query{App: "ns/*", Path: "dat%"}, nil},
		{history.Query{App: "ns/*", Manager: "kubectl"}, []int{2}},
		{history.Query{App: "ns/*", Since: at(2)}, []int{3, 2}},
		{history.Query{App: "ns/*", User: "ben"}, []int{1}},
		{history.Query{App: "ns/*", User: `o'ne "%`}, []int{2}},
		{history.Query{App: "ns/*", User: "be"}, nil},
	} {
		var got []int
		for _, d := range driftsOf(t, s, tc.q) {
			got = append(got, d.At.Minute())
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tc.q, diff)
		}
	}
}

func pages(t *testing.T, s history.Store) {
	for i := range history.DefaultLimit + 5 {
		must(t, s.AddRun(t.Context(), sample("ns/a", i)))
		must(t, s.AddDrift(t.Context(), []history.Drift{difference("ns/a", i)}))
	}
	if got := runsOf(t, s, history.Query{App: "ns/a"}); len(got) != history.DefaultLimit {
		t.Errorf("%d runs without a limit", len(got))
	}
	var seen []int64
	q := history.Query{App: "ns/a", Limit: 20}
	for {
		page := runsOf(t, s, q)
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			seen = append(seen, r.ID)
		}
		q.Before = seen[len(seen)-1]
	}
	if len(seen) != history.DefaultLimit+5 {
		t.Errorf("pages hold %d runs", len(seen))
	}
	last := driftsOf(t, s, history.Query{App: "ns/a", Limit: 2})
	next := driftsOf(t, s, history.Query{App: "ns/a", Limit: 2, Before: last[1].ID})
	if len(next) != 2 || next[0].ID >= last[1].ID {
		t.Errorf("after %v comes %v", last, next)
	}
}

func trims(t *testing.T, s history.Store) {
	for _, minute := range []int{0, 10} {
		must(t, s.AddRun(t.Context(), sample("ns/a", minute)))
		must(t, s.AddDrift(t.Context(), []history.Drift{difference("ns/a", minute)}))
	}
	must(t, s.Trim(t.Context(), at(5)))
	if got := runsOf(t, s, history.Query{App: "ns/a"}); len(got) != 1 || !got[0].Started.Equal(at(10)) {
		t.Errorf("left runs: %+v", got)
	}
	if got := driftsOf(t, s, history.Query{App: "ns/a"}); len(got) != 1 || !got[0].At.Equal(at(10)) {
		t.Errorf("left drift: %+v", got)
	}
}

func parallel(t *testing.T, s history.Store) {
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			app := fmt.Sprintf("ns/%d", i)
			for minute := range 20 {
				if err := s.AddRun(t.Context(), sample(app, minute)); err != nil {
					t.Error(err)
				}
				if err := s.AddDrift(t.Context(), []history.Drift{difference(app, minute)}); err != nil {
					t.Error(err)
				}
				if _, err := s.Runs(t.Context(), history.Query{App: app}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for i := range 8 {
		app := fmt.Sprintf("ns/%d", i)
		if r, d := runsOf(t, s, history.Query{App: app}), driftsOf(t, s, history.Query{App: app}); len(r) != 20 || len(d) != 20 {
			t.Errorf("%s has %d runs and %d drifts", app, len(r), len(d))
		}
	}
}

func runsOf(t *testing.T, s history.Reader, q history.Query) []history.Run {
	t.Helper()
	got, err := s.Runs(t.Context(), q)
	must(t, err)
	return got
}

func driftsOf(t *testing.T, s history.Reader, q history.Query) []history.Drift {
	t.Helper()
	got, err := s.Drifts(t.Context(), q)
	must(t, err)
	return got
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
