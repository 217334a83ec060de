package reconcile

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/heat"
	"github.com/trueup-dev/trueup/internal/object"
)

// ring is where one application and somebody else meet.
type ring struct {
	t    *testing.T
	flow *Flow
	c    *memoryCluster
	app  *v1alpha1.Application
	mem  *Memory
	now  time.Time
	last Outcome
}

func newRing(t *testing.T, manifests string) *ring {
	t.Helper()
	flow, c := newFlow(t, manifests)
	r := &ring{t: t, flow: flow, c: c, app: automated(application(nil)), mem: &Memory{}, now: flow.Now()}
	flow.Now = func() time.Time { return r.now }
	r.look()
	return r
}

// look runs the flow over everything, and returns how often it wrote.
func (r *ring) look() (writes int) {
	r.t.Helper()
	before := r.c.writes
	r.mem.Recheck()
	r.last = r.flow.Run(r.t.Context(), r.app, r.mem)
	if r.last.Err != nil {
		r.t.Fatal(r.last.Err)
	}
	r.app.Status = r.last.Status
	if r.last.Done {
		r.app.Operation = nil
	}
	return r.c.writes - before
}

// git has Git say something else.
func (r *ring) git(manifests string) {
	r.flow.Sources.(source).files["all.yaml"] = &fstest.MapFile{Data: []byte(manifests)}
}

func (r *ring) scales(n int64) { edit(r.c, web(), "scaler", ownsReplicas, n, "spec", "replicas") }

func (r *ring) sync(op v1alpha1.SyncOperation) { r.app.Operation = &v1alpha1.Operation{Sync: &op} }

// fight has somebody act until it is not undone any more, and returns how often
// it was.
func (r *ring) fight(act func()) (rounds int) {
	r.t.Helper()
	for range 50 {
		r.now = r.now.Add(time.Second)
		act()
		if r.look() == 0 {
			return rounds
		}
		rounds++
	}
	r.t.Fatal("it is undone for ever")
	return 0
}

// TestAFightIsLeftAlone goes through the life of a fight.
func TestAFightIsLeftAlone(t *testing.T) {
	t.Parallel()
	r := newRing(t, scaledWeb)
	if rounds := r.fight(func() { r.scales(5) }); rounds != heat.Defaults().Threshold {
		t.Errorf("it was corrected %d times", rounds)
	}
	fights := r.app.Status.Drift.Fights
	if len(fights) != 1 {
		t.Fatalf("fights %+v", fights)
	}
	want := "Deployment shop/web spec.replicas: trueup sets 2, scaler sets 5; corrected 3 times, and left to scaler until 2026-01-02 03:34:08 UTC"
	if diff := cmp.Diff(want, FightText(fights[0])); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := condition(r.app.Status, DriftFight); !strings.HasPrefix(got, want+"\nto expect it, add to spec:\nignoreDifferences:\n- group: apps\n") {
		t.Errorf("condition %q", got)
	}
	if r.app.Status.Sync.Status != v1alpha1.SyncStatusCodeOutOfSync || r.last.After != fights[0].Until.Sub(r.now) {
		t.Errorf("status %s, looks again after %s", r.app.Status.Sync.Status, r.last.After)
	}
	if got := replicasApplied(r.c, r.flow, r.app, r.mem, t); got != 0 {
		t.Errorf("a correction of another field sends %d replicas", got)
	}

	// At rest, the status is the same every time.
	r.scales(5)
	r.look()
	before := *r.app.Status.DeepCopy()
	if r.look(); !cmp.Equal(before, r.app.Status) {
		t.Errorf("the status moves:\n%s", cmp.Diff(before, r.app.Status))
	}

	// While the other goes on, it does not cool.
	r.now = r.now.Add(20 * time.Minute)
	r.scales(6)
	if writes := r.look(); writes != 0 || !r.app.Status.Drift.Fights[0].Until.After(fights[0].Until.Time) {
		t.Errorf("%d writes, left until %s", writes, r.app.Status.Drift.Fights[0].Until)
	}
	r.now = r.app.Status.Drift.Fights[0].Until.Time
	if writes := r.look(); writes != 1 || len(r.app.Status.Drift.Fights) != 0 || replicas(r.c) != 2 || condition(r.app.Status, DriftFight) != "" {
		t.Errorf("after it cooled: %d writes, %+v", writes, r.app.Status.Drift)
	}
	// The next time it is known sooner.
	if rounds := r.fight(func() { r.scales(5) }); rounds != 0 {
		t.Errorf("it was corrected %d times more", rounds)
	}
}

// TestHowAFightEnds: each thing that ends one, and what does not.
func TestHowAFightEnds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		do     func(*ring)
		writes int
		fights int
	}{
		"nothing happens":          {func(*ring) {}, 0, 1},
		"time":                     {func(r *ring) { r.now = r.now.Add(time.Hour) }, 1, 0},
		"Git says another value":   {func(r *ring) { r.git(strings.Replace(scaledWeb, "replicas: 2", "replicas: 3", 1)) }, 1, 0},
		"Git drops it":             {func(r *ring) { r.git(strings.Replace(scaledWeb, "replicas: 2, ", "", 1)) }, 0, 0},
		"Git drops the object":     {func(r *ring) { r.git(config) }, 1, 0},
		"Git says the same":        {func(r *ring) { r.git(strings.Replace(scaledWeb, "web:1", "web:2", 1)) }, 1, 0},
		"a person syncs":           {func(r *ring) { r.sync(v1alpha1.SyncOperation{}) }, 1, 0},
		"a person syncs the drift": {func(r *ring) { r.sync(v1alpha1.SyncOperation{Drifted: true, Paths: []string{"spec"}}) }, 1, 0},
		"a person syncs another object": {func(r *ring) {
			r.sync(v1alpha1.SyncOperation{Resources: []v1alpha1.SyncOperationResource{{Kind: "ConfigMap", Namespace: "shop", Name: "c"}}})
		}, 0, 1},
		"a person syncs another path": {func(r *ring) { r.sync(v1alpha1.SyncOperation{Drifted: true, Paths: []string{"spec.template"}}) }, 0, 1},
		"a dry run":                   {func(r *ring) { r.sync(v1alpha1.SyncOperation{DryRun: true}) }, 0, 1},
		"another process":             {func(r *ring) { r.mem = &Memory{} }, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRing(t, scaledWeb)
			r.fight(func() { r.scales(5) })
			before := r.app.Status.Drift.Fights
			tc.do(r)
			writes := r.look()
			if writes != tc.writes || len(r.app.Status.Drift.Fights) != tc.fights && name != "Git says the same" {
				t.Errorf("%d writes, fights %+v", writes, r.app.Status.Drift.Fights)
			}
			if name == "Git says the same" && replicas(r.c) != 0 {
				t.Errorf("%d replicas are sent", replicas(r.c)) // what is applied takes the place of all here
			}
			if name == "another process" && !cmp.Equal(before, r.app.Status.Drift.Fights) {
				t.Errorf("it reads another thing now:\n%s", cmp.Diff(before, r.app.Status.Drift.Fights))
			}
		})
	}
}

const config = `
{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}, data: {a: "1"}}
`

func configKey() object.Key { return object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "c"} }

// TestSomebodyKeepsDeleting: an object that is deleted as often as it is
// created stays away, and does not hold up others.
func TestSomebodyKeepsDeleting(t *testing.T) {
	t.Parallel()
	r := newRing(t, config+"---"+strings.Replace(scaledWeb, "namespace: shop}", `namespace: shop, annotations: {trueup.dev/sync-wave: "1"}}`, 1))
	rounds := r.fight(func() { delete(r.c.stored, configKey()) })
	fights := r.app.Status.Drift.Fights
	if rounds != 3 || len(fights) != 1 || fights[0].Path != "" || fights[0].Rule != "" {
		t.Fatalf("%d rounds, %+v", rounds, fights)
	}
	if got := condition(r.app.Status, DriftFight); !strings.HasPrefix(got, "ConfigMap shop/c was created again 3 times, and somebody deletes it each time; it is left so until 2026-") {
		t.Errorf("condition %q", got)
	}
	r.scales(9)
	if r.look() != 1 || replicas(r.c) != 2 {
		t.Error("an object of a later wave waits for the one that is left away")
	}
	if r.sync(v1alpha1.SyncOperation{}); r.look() != 1 || r.c.stored[configKey()] == nil {
		t.Error("a person's sync does not create it")
	}
}

// TestSomebodyKeepsAdding: a field that is added as often as it is removed
// stays, with the rule to expect it.
func TestSomebodyKeepsAdding(t *testing.T) {
	t.Parallel()
	r := newRing(t, config)
	r.app.Spec.Drift = &v1alpha1.DriftPolicy{Undeclared: "remove"}
	rounds := r.fight(func() { edit(r.c, configKey(), "injector", `{"f:data":{"f:b":{}}}`, "2", "data", "b") })
	fights := r.app.Status.Drift.Fights
	if rounds != 3 || len(fights) != 1 {
		t.Fatalf("%d rounds, %+v", rounds, fights)
	}
	if got := FightText(fights[0]); !strings.HasPrefix(got, `ConfigMap shop/c data.b: trueup removes it, injector sets "2"; corrected 3 times`) {
		t.Error(got)
	}
}

// TestTheServerChangesWhatIsSent: a field that is another one in what the
// server returns than in what was applied is known to be the server's own, and
// is sent no second time.
func TestTheServerChangesWhatIsSent(t *testing.T) {
	t.Parallel()
	r := newRing(t, scaledWeb)
	r.c.admit = func(u *unstructured.Unstructured) {
		_ = unstructured.SetNestedField(u.Object, int64(9), "spec", "replicas")
		u.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: object.FieldManager, Operation: "Apply", FieldsV1: metav1.NewFieldsV1(ownsReplicas)}})
	}
	r.scales(5)
	if writes := r.look(); writes != 1 {
		t.Fatalf("%d writes in one look", writes)
	}
	for range 3 {
		if writes := r.look(); writes != 0 {
			t.Errorf("%d writes more", writes)
		}
	}
	if got := r.app.Status.Sync.Status; got != v1alpha1.SyncStatusCodeSynced || r.app.Status.Drift.Objects != 0 || len(r.app.Status.Drift.Fights) != 0 {
		t.Errorf("%s, %+v", got, r.app.Status.Drift)
	}
}

// TestPeopleAreNoFight: what a person changes now and then is corrected every
// time.
func TestPeopleAreNoFight(t *testing.T) {
	t.Parallel()
	r := newRing(t, scaledWeb)
	for range 20 {
		r.now = r.now.Add(40 * time.Minute)
		if r.scales(5); r.look() != 1 {
			t.Fatal("a person's edit is left")
		}
	}
}
