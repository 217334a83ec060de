package reconcile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/object"
)

func TestUnder(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"spec.template": true, "spec.template.spec.containers[name=web].image": true, "spec.templates": false, "spec": false,
		"spec.ports[port=80,protocol=TCP].nodePort": true, "spec.ports[port=81,protocol=TCP]": false, `metadata.labels["a/b"]`: true, "": false,
	} {
		if got := Under(path, []string{"spec.template", "spec.ports[port=80,protocol=TCP]", "metadata.labels"}); got != want {
			t.Errorf("%q: %v", path, got)
		}
	}
	if !Under("", nil) {
		t.Error("no paths are not all of them")
	}
}

// TestWhatHeals: which drift is corrected without being asked, and how far the
// sync goes that does it.
func TestWhatHeals(t *testing.T) {
	t.Parallel()
	synced, other := Attempt{Revision: "b"}, Attempt{Revision: "a"}
	for name, tc := range map[string]struct {
		action    string
		automated *v1alpha1.SyncPolicyAutomated
		last      Attempt
		heals     bool
		drifted   bool
	}{
		"nothing is said":                   {"", nil, synced, false, false},
		"automated":                         {"", &v1alpha1.SyncPolicyAutomated{}, synced, false, false},
		"self-heal":                         {"", &v1alpha1.SyncPolicyAutomated{SelfHeal: true}, synced, true, false},
		"report":                            {"report", &v1alpha1.SyncPolicyAutomated{SelfHeal: true}, synced, false, false},
		"revert alone":                      {"revert", nil, other, true, true},
		"revert and automated":              {"revert", &v1alpha1.SyncPolicyAutomated{}, synced, true, true},
		"a new revision comes before":       {"revert", &v1alpha1.SyncPolicyAutomated{}, other, true, false},
		"so does one with waves to go":      {"revert", &v1alpha1.SyncPolicyAutomated{}, Attempt{Revision: "b", Unfinished: true}, true, false},
		"self-heal prunes as well":          {"revert", &v1alpha1.SyncPolicyAutomated{SelfHeal: true}, synced, true, false},
		"automated, but switched off again": {"revert", &v1alpha1.SyncPolicyAutomated{Enabled: new(bool)}, other, true, true},
	} {
		app := application(nil)
		app.Spec.Drift = &v1alpha1.DriftPolicy{Action: tc.action}
		app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: tc.automated}
		if got, _ := heals(app); got != tc.heals {
			t.Errorf("%s: heals %v", name, got)
		}
		if got := reachOf(app, nil, "b", tc.last); got.drifted != tc.drifted {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestReportIsOnlyThat: with the action report, self-heal corrects nothing, and
// a new revision is synced.
func TestReportIsOnlyThat(t *testing.T) {
	t.Parallel()
	r := newRing(t, scaledWeb)
	r.app.Spec.Drift = &v1alpha1.DriftPolicy{Action: "report"}
	if r.scales(5); r.look() != 0 || r.app.Status.Drift.Fields != 1 {
		t.Errorf("it is corrected, or not told: %+v", r.app.Status.Drift)
	}
	if r.git(strings.Replace(scaledWeb, "web:1", "web:2", 1)); r.look() != 1 {
		t.Error("the next revision is not synced")
	}
}

// adds has somebody add fields to the config map.
func adds(r *ring, fields map[string]any) {
	u := r.c.stored[configKey()].DeepCopy()
	data, owned := u.Object["data"].(map[string]any), []string{}
	for name, value := range fields {
		data[name] = value
		owned = append(owned, `"f:`+name+`":{}`)
	}
	u.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: "hand", Operation: "Update", FieldsV1: metav1.NewFieldsV1(`{"f:data":{` + strings.Join(owned, ",") + `}}`)}})
	r.c.next(u)
	r.c.stored[configKey()] = u
}

func data(r *ring) map[string]any {
	out, _, _ := unstructured.NestedMap(r.c.stored[configKey()].Object, "data")
	return out
}

func fieldResults(r *ring) []string {
	var out []string
	state := r.app.Status.OperationState
	if r.app.Status.DryRunState != nil {
		state = r.app.Status.DryRunState
	}
	for _, resource := range state.SyncResult.Resources {
		for _, f := range resource.Fields {
			out = append(out, strings.TrimSpace(f.Status+" "+f.Path+" "+f.Message))
		}
	}
	return out
}

// TestRemovals: fields that somebody added are removed from the version in
// which they were seen, and what cannot be removed is told for each path.
func TestRemovals(t *testing.T) {
	t.Parallel()
	all := map[string]any{"b": "2", "c": "3"}
	for name, tc := range map[string]struct {
		op      v1alpha1.SyncOperation
		policy  string
		prepare func(*ring)
		data    map[string]any
		want    []string
	}{
		"a sync leaves them":          {v1alpha1.SyncOperation{}, "", nil, map[string]any{"a": "1", "b": "2", "c": "3"}, nil},
		"a sync by policy":            {v1alpha1.SyncOperation{}, "remove", nil, map[string]any{"a": "1"}, []string{"Removed data.b", "Removed data.c"}},
		"a sync of the drift":         {v1alpha1.SyncOperation{Drifted: true}, "", nil, map[string]any{"a": "1", "b": "2", "c": "3"}, nil},
		"with them":                   {v1alpha1.SyncOperation{Drifted: true, Undeclared: true}, "", nil, map[string]any{"a": "1"}, []string{"Removed data.b", "Removed data.c"}},
		"one of them":                 {v1alpha1.SyncOperation{Drifted: true, Undeclared: true, Paths: []string{"data.c"}}, "", nil, map[string]any{"a": "1", "b": "2"}, []string{"Removed data.c"}},
		"a dry run":                   {v1alpha1.SyncOperation{Drifted: true, Undeclared: true, DryRun: true}, "", nil, map[string]any{"a": "1", "b": "2", "c": "3"}, []string{"Planned data.b", "Planned data.c"}},
		"one is refused":              {v1alpha1.SyncOperation{Drifted: true, Undeclared: true}, "", func(r *ring) { r.c.refuses = []string{"/data/b"} }, map[string]any{"a": "1", "b": "2"}, []string{"Refused data.b /data/b is immutable", "Removed data.c"}},
		"somebody else is faster":     {v1alpha1.SyncOperation{}, "remove", faster(1), map[string]any{"a": "1"}, []string{"Removed data.b", "Removed data.c", "Removed data.more"}},
		"somebody else is for ever":   {v1alpha1.SyncOperation{Drifted: true, Undeclared: true}, "", faster(1000), map[string]any{"a": "1", "b": "2", "c": "3", "more": "x"}, []string{"NotConverged data.b did not converge: hand holds it", "NotConverged data.c did not converge: hand holds it", "NotConverged data.more did not converge: hand holds it"}},
		"somebody removes them first": {v1alpha1.SyncOperation{Drifted: true, Undeclared: true}, "", func(r *ring) { adds(r, nil); r.c.stored[configKey()].Object["data"] = map[string]any{"a": "1"} }, map[string]any{"a": "1"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRing(t, config)
			r.app.Spec.SyncPolicy, r.app.Spec.Drift = nil, &v1alpha1.DriftPolicy{Undeclared: tc.policy}
			adds(r, all)
			if r.look() != 0 {
				t.Fatal("something is written without being asked for")
			}
			if tc.prepare != nil {
				tc.prepare(r)
			}
			r.sync(tc.op)
			r.look()
			if diff := cmp.Diff(tc.data, data(r)); diff != "" {
				t.Errorf("data (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.want, fieldResults(r)); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		})
	}
}

// faster has somebody change the object before each of so many removals.
func faster(times int) func(*ring) {
	return func(r *ring) {
		r.c.meanwhile = func() {
			if times--; times < 0 {
				return
			}
			r.c.mu.Lock()
			defer r.c.mu.Unlock()
			all := data(r)
			delete(all, "a")
			all["more"] = "x"
			adds(r, all)
		}
	}
}

// TestOnlyWhatDrifted: while a commit waits, a sync of what is drifted sends
// what is live wherever nobody else changed it.
func TestOnlyWhatDrifted(t *testing.T) {
	t.Parallel()
	r := newRing(t, scaledWeb+"---"+config)
	r.app.Spec.SyncPolicy = nil
	r.git(strings.Replace(scaledWeb, "web:1", "web:2", 1) + "---" + strings.Replace(config, `"1"`, `"2"`, 1) + "---" + strings.Replace(config, "name: c", "name: new", 1))
	r.look()
	r.scales(5)
	if r.look(); r.app.Status.Drift.Fields != 1 {
		t.Fatalf("drift %+v", r.app.Status.Drift.Changes)
	}
	revision := r.app.Status.OperationState.SyncResult.Digest
	if r.sync(v1alpha1.SyncOperation{Drifted: true}); r.look() != 1 {
		t.Error("more than the drift was written")
	}
	containers, _, _ := unstructured.NestedSlice(r.c.stored[web()].Object, "spec", "template", "spec", "containers")
	if replicas(r.c) != 2 {
		t.Errorf("%d replicas", replicas(r.c))
	}
	// Nobody owns the image here, so that leaving it out is leaving it alone.
	if image := containers[0].(map[string]any)["image"]; image != nil {
		t.Errorf("the image %v is sent", image)
	}
	if got := r.app.Status.OperationState.SyncResult; !got.Drifted || got.Digest != revision {
		t.Errorf("it counts as a sync of the revision: %+v", got)
	}
	if len(r.app.Status.History) != 1 {
		t.Errorf("history %+v", r.app.Status.History)
	}
	if r.c.stored[object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "new"}] != nil {
		t.Error("an object of the next commit is there")
	}
}

// TestRevertByPolicy: drift is put back where automated sync is off, and what
// fails waits longer each time.
func TestRevertByPolicy(t *testing.T) {
	t.Parallel()
	r := newRing(t, scaledWeb+"---"+config)
	r.app.Spec.SyncPolicy, r.app.Spec.Drift = nil, &v1alpha1.DriftPolicy{Action: "revert"}
	r.git(strings.Replace(scaledWeb, "web:1", "web:2", 1) + "---" + config)
	delete(r.c.stored, configKey())
	if r.scales(5); r.look() != 2 || replicas(r.c) != 2 || r.c.stored[configKey()] == nil {
		t.Errorf("%d replicas, %v", replicas(r.c), r.c.stored[configKey()])
	}
	if got := r.app.Status.Drift; got.Objects != 0 || !r.app.Status.OperationState.SyncResult.Drifted {
		t.Errorf("drift %+v", got)
	}
}
