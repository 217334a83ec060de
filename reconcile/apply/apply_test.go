package apply

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile/plan"
)

// memory is a cluster in memory that fails where told to.
type memory struct {
	mu      sync.Mutex
	calls   []string
	running int
	most    int
	fail    map[string]error
	onCall  func(name string)
	uids    map[string]string
}

func (m *memory) enter(name string) error {
	m.mu.Lock()
	m.calls = append(m.calls, name)
	m.running++
	m.most = max(m.most, m.running)
	err := m.fail[name]
	m.mu.Unlock()
	if m.onCall != nil {
		m.onCall(name)
	}
	m.mu.Lock()
	m.running--
	m.mu.Unlock()
	return err
}

func (m *memory) Apply(_ context.Context, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if err := m.enter("apply " + u.GetName()); err != nil {
		return nil, err
	}
	u.SetResourceVersion("1")
	return u, nil
}

func (m *memory) Delete(_ context.Context, k object.Key, uid string) error {
	if err := m.enter("delete " + k.Name); err != nil {
		return err
	}
	if have, ok := m.uids[k.Name]; ok && have != uid {
		return fault.New(fault.Conflict, "uid is %s", have)
	}
	return nil
}

func (m *memory) Remove(_ context.Context, p Patch) (*unstructured.Unstructured, error) {
	name := "remove " + p.Key.Name
	if p.DryRun {
		name = "try " + p.Key.Name
	}
	if err := m.enter(name + " " + strings.Join(p.Pointers, " ")); err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetResourceVersion("1")
	return u, nil
}

func step(action plan.Action, kind, name string, wave int) plan.Step {
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": name, "namespace": "shop"},
	}}
	s := plan.Step{Action: action, Key: object.KeyOf(u), Wave: wave}
	if action == plan.Create || action == plan.Update {
		s.Object = u
	} else {
		s.UID = "uid-" + name
	}
	return s
}

func TestExecute(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	deferred := step(plan.Create, "Service", "later", 1)
	deferred.Deferred, deferred.Reason = true, "waits for wave 0"
	kept := step(plan.Keep, "PersistentVolumeClaim", "data", 0)
	kept.Reason = "pruning is off"
	tests := []struct {
		reason  string
		plan    plan.Plan
		fail    map[string]error
		uids    map[string]string
		options Options
		calls   []string
		want    []string
		errs    []string
	}{
		{
			reason: "steps run in order, deferred and kept ones are told",
			plan: plan.Plan{Steps: []plan.Step{
				step(plan.Create, "ConfigMap", "a", 0), step(plan.Update, "Service", "b", 0), deferred,
				step(plan.Prune, "Service", "old", 0), kept,
			}},
			calls: []string{"apply a", "apply b", "delete old"},
			want:  []string{"a Synced", "b Synced", "later Deferred", "old Pruned", "data PruneSkipped"},
		},
		{
			reason: "a failure stops later waves and prunes, but not its own wave",
			plan: plan.Plan{Steps: []plan.Step{
				step(plan.Create, "ConfigMap", "a", 0), step(plan.Create, "Service", "b", 0),
				step(plan.Create, "Service", "c", 1), step(plan.Prune, "Service", "old", 0),
			}},
			fail:  map[string]error{"apply a": boom},
			calls: []string{"apply a", "apply b"},
			want:  []string{"a Failed", "b Synced", "c Deferred", "old Deferred"},
			errs:  []string{"create ConfigMap shop/a: boom"},
		},
		{
			reason: "all failures are told, not only the first",
			plan: plan.Plan{Steps: []plan.Step{
				step(plan.Create, "ConfigMap", "a", 0), step(plan.Create, "Service", "b", 0),
			}},
			fail:  map[string]error{"apply a": boom, "apply b": fault.New(fault.Invalid, "no such port")},
			calls: []string{"apply a", "apply b"},
			want:  []string{"a Failed", "b Failed"},
			errs:  []string{"create ConfigMap shop/a: boom", "create Service shop/b: no such port"},
		},
		{
			reason: "an object that was gone already is pruned",
			plan:   plan.Plan{Steps: []plan.Step{step(plan.Prune, "Service", "old", 0)}},
			fail:   map[string]error{"delete old": fault.New(fault.Missing, "not found")},
			calls:  []string{"delete old"},
			want:   []string{"old Pruned"},
		},
		{
			reason: "a successor of the same name is spared",
			plan:   plan.Plan{Steps: []plan.Step{step(plan.Prune, "Service", "old", 0)}},
			uids:   map[string]string{"old": "another"},
			calls:  []string{"delete old"},
			want:   []string{"old PruneSkipped"},
		},
		{
			reason: "nothing is deleted without a UID",
			plan:   plan.Plan{Steps: []plan.Step{{Action: plan.Prune, Key: object.Key{Kind: "Service", Name: "old"}}}},
			want:   []string{"old Failed"},
			errs:   []string{"prune Service old: the plan does not name the object's UID"},
		},
		{
			reason: "a refused plan is not run",
			plan: plan.Plan{
				Steps:    []plan.Step{step(plan.Prune, "Service", "old", 0)},
				Refusals: []plan.Refusal{{Rule: "RefuseEmpty", Reason: "EmptySource", Message: "nothing rendered"}},
			},
			want: []string{"old Deferred"},
			errs: []string{"EmptySource: nothing rendered"},
		},
		{
			reason: "a dry run writes nothing",
			plan: plan.Plan{Steps: []plan.Step{
				step(plan.Create, "ConfigMap", "a", 0), step(plan.Prune, "Service", "old", 0),
			}},
			options: Options{DryRun: true},
			want:    []string{"a Synced", "old Pruned"},
		},
	}
	for _, tc := range tests {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			m := &memory{fail: tc.fail, uids: tc.uids}
			got := Execute(t.Context(), m, tc.plan, tc.options)
			if diff := cmp.Diff(tc.calls, m.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			var statuses []string
			for _, e := range got.Entries {
				statuses = append(statuses, e.Key.Name+" "+string(e.Status))
			}
			if diff := cmp.Diff(tc.want, statuses); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			var errs []string
			if err := got.Err(); err != nil {
				errs = strings.Split(err.Error(), "\n")
			}
			if diff := cmp.Diff(tc.errs, errs); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func many(n int) plan.Plan {
	var p plan.Plan
	for i := range n {
		p.Steps = append(p.Steps, step(plan.Create, "ConfigMap", string(rune('a'+i)), 0))
	}
	return p
}

func TestStepsOfOneGroupOverlap(t *testing.T) {
	t.Parallel()
	meet := make(chan struct{})
	m := &memory{onCall: func(string) {
		select {
		case meet <- struct{}{}:
		case <-meet:
		}
	}}
	// Each call waits for a partner: this ends only if two run at a time.
	r := Execute(t.Context(), m, many(4), Options{})
	if got := r.Count(Synced); got != 4 {
		t.Errorf("%d of 4 synced", got)
	}
}

func TestParallelIsBounded(t *testing.T) {
	t.Parallel()
	m := &memory{}
	Execute(t.Context(), m, many(20), Options{Parallel: 3})
	if m.most > 3 || len(m.calls) != 20 {
		t.Errorf("%d at a time, %d calls; want at most 3, and 20", m.most, len(m.calls))
	}
}

func TestCancelStartsNothingNew(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	m := &memory{onCall: func(string) { cancel() }}
	p := plan.Plan{App: "shop", Steps: []plan.Step{
		step(plan.Create, "ConfigMap", "a", 0), step(plan.Create, "ConfigMap", "b", 0),
		step(plan.Create, "Service", "c", 0), step(plan.Prune, "Service", "old", 0),
	}}
	r := Execute(ctx, m, p, Options{Parallel: 1})
	if diff := cmp.Diff([]string{"apply a"}, m.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if !errors.Is(r.Err(), context.Canceled) {
		t.Errorf("Err = %v", r.Err())
	}
	if got := r.Count(Deferred); got != 3 {
		t.Errorf("%d steps were left, want 3", got)
	}
}

func TestThePlansObjectsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	p := many(1)
	r := Execute(t.Context(), &memory{}, p, Options{})
	if p.Steps[0].Object.GetResourceVersion() != "" {
		t.Error("the writer changed the plan")
	}
	if !slices.ContainsFunc(r.Entries, func(e Entry) bool { return e.Live != nil && e.Live.GetResourceVersion() == "1" }) {
		t.Error("the entry does not hold what the cluster stored")
	}
}
