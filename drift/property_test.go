package drift

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/internal/object"
)

// someone owns fields of the generated objects.
func someone(r *rand.Rand) (manager, operation string) {
	all := [][2]string{{"trueup", "Apply"}, {"trueup", "Update"}, {"kubectl-edit", "Update"}, {"helm", "Apply"}, {"kube-controller-manager", "Update"}}
	one := all[r.IntN(len(all))]
	return one[0], one[1]
}

func scalar(r *rand.Rand) any {
	return []any{"", "a", "b", "1", int64(0), int64(1), int64(2), true, false, nil}[r.IntN(10)]
}

// tree makes a value of a few levels, with names that mean something.
func tree(r *rand.Rand, depth int) any {
	switch n := r.IntN(10); {
	case depth == 0 || n < 4:
		return scalar(r)
	case n < 7:
		out := map[string]any{}
		for range r.IntN(4) {
			out[[]string{"replicas", "labels", "name", "image", "data", "limits", "emptyDir"}[r.IntN(7)]] = tree(r, depth-1)
		}
		return out
	default:
		out := []any{}
		for i := range r.IntN(4) {
			out = append(out, map[string]any{"name": fmt.Sprint("n", i), "value": tree(r, depth-1)})
		}
		return out
	}
}

// changed is a value with some of it replaced, dropped or added.
func changed(r *rand.Rand, v any, depth int) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if r.IntN(8) > 0 {
				out[name] = changed(r, v[name], depth-1)
			}
		}
		if r.IntN(3) == 0 {
			out[fmt.Sprint("added", r.IntN(3))] = tree(r, 1)
		}
		return out
	case []any:
		out := []any{}
		for _, item := range v {
			if r.IntN(8) > 0 {
				out = append(out, changed(r, item, depth-1))
			}
		}
		if r.IntN(5) == 0 {
			r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		}
		return out
	}
	if r.IntN(6) == 0 {
		return scalar(r)
	}
	return v
}

// claimed is FieldsV1 of a part of a value.
func claimed(r *rand.Rand, v any) map[string]any {
	out := map[string]any{}
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if r.IntN(3) > 0 {
				out["f:"+name] = claimed(r, v[name])
			}
		}
	case []any:
		for _, item := range v {
			if m, ok := item.(map[string]any); ok && m["name"] != nil && r.IntN(2) == 0 {
				inside := claimed(r, m)
				inside["."] = map[string]any{}
				out[fmt.Sprintf(`k:{"name":%q}`, m["name"])] = inside
			}
		}
	}
	return out
}

func generated(r *rand.Rand) (desired, live *unstructured.Unstructured) {
	kind := [][2]string{{"apps/v1", "Deployment"}, {"v1", "Service"}, {"v1", "ConfigMap"}, {"v1", "Secret"}, {"example.com/v1", "Widget"}, {"rbac.authorization.k8s.io/v1", "Role"}}[r.IntN(6)]
	desired = &unstructured.Unstructured{Object: map[string]any{"apiVersion": kind[0], "kind": kind[1], "metadata": map[string]any{"name": "x", "namespace": "ns"}}}
	for _, part := range []string{"spec", "data", "rules", "stringData"} {
		if r.IntN(2) == 0 {
			desired.Object[part] = tree(r, 4)
		}
	}
	content, _ := changed(r, desired.Object, 4).(map[string]any)
	live = &unstructured.Unstructured{Object: content}
	content["apiVersion"], content["kind"] = kind[0], kind[1]
	metadata := map[string]any{"name": "x", "namespace": "ns"}
	entries := []any{}
	for range r.IntN(4) {
		manager, operation := someone(r)
		entries = append(entries, map[string]any{"manager": manager, "operation": operation, "fieldsType": "FieldsV1", "fieldsV1": claimed(r, content), "time": "2026-01-02T03:04:05Z"})
	}
	metadata["managedFields"] = entries
	content["metadata"] = metadata
	return desired, live
}

// TestModifiedIsWhatASyncChanges: whatever is compared, an object is Modified
// exactly if a field is listed that a sync changes, what is expected names its
// rule, and an object does not differ from itself.
func TestModifiedIsWhatASyncChanges(t *testing.T) {
	t.Parallel()
	set := builtin(t)
	rules, problems := ignore.Compile(
		ignore.Rule{Name: "paths", Group: "*", Kind: "*", Paths: []string{"spec.replicas", "spec.*.name", "data.*"}},
		ignore.Rule{Name: "managers", Group: "*", Kind: "*", ManagedFieldsManagers: []string{"kubectl-edit"}},
		ignore.Rule{Name: "when", Group: "*", Kind: "*", Paths: []string{"spec.*"}, When: "live == null"},
	)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	states := map[State]int{}
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 1))
		desired, live := generated(r)
		in := Input{Desired: []*unstructured.Unstructured{desired}, Live: []*unstructured.Unstructured{live}, MaskKey: []byte("k")}
		if r.IntN(4) > 0 {
			in.Schemas = set
		}
		if r.IntN(2) == 0 {
			in.Rules = rules
		}
		before, other := desired.DeepCopy(), live.DeepCopy()
		report := Compare(in)
		o := report.Objects[0]
		states[o.State]++
		if want := slices.ContainsFunc(o.Fields, Field.ToSync); (o.State == Modified) != want || o.State == Unknown {
			t.Fatalf("seed %d: %s %q with %+v", seed, o.State, o.Reason, o.Fields)
		}
		for _, f := range o.Fields {
			if (f.Class == Expected) != (f.Rule != "") || f.Path == "" {
				t.Fatalf("seed %d: %+v", seed, f)
			}
		}
		if diff := cmp.Diff(render(t, report), render(t, Compare(in))); diff != "" {
			t.Fatalf("seed %d: compared again:\n%s", seed, diff)
		}
		if diff := cmp.Diff(before, desired) + cmp.Diff(other, live); diff != "" {
			t.Fatalf("seed %d: comparing changed its input:\n%s", seed, diff)
		}
		same := Compare(Input{Desired: in.Desired, Live: in.Desired, Schemas: in.Schemas}).Objects[0]
		if same.State != InSync {
			t.Fatalf("seed %d: it differs from itself: %+v", seed, same.Fields)
		}
	}
	if states[InSync] < 100 || states[Modified] < 100 {
		t.Errorf("the objects are too much alike: %v", states)
	}
}

// TestModifiedIsWhatApplyWouldChange holds verdicts on maps of strings against
// what server-side apply does to them.
func TestModifiedIsWhatApplyWouldChange(t *testing.T) {
	t.Parallel()
	set := builtin(t)
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 2))
		desired, live, ours, theirs := map[string]any{}, map[string]any{}, map[string]any{}, map[string]any{}
		for _, key := range strings.Split("abcdef", "") {
			if r.IntN(2) == 0 {
				desired[key] = fmt.Sprint(r.IntN(2))
			}
			if r.IntN(3) > 0 {
				live[key] = fmt.Sprint(r.IntN(2))
				// Nobody shares a key: then taking ours away changes nothing but owners.
				if r.IntN(2) == 0 {
					ours["f:"+key] = map[string]any{}
				} else {
					theirs["f:"+key] = map[string]any{}
				}
			}
		}
		applied := maps.Clone(live)
		for key := range ours {
			delete(applied, strings.TrimPrefix(key, "f:"))
		}
		maps.Copy(applied, desired)
		configMap := func(data map[string]any) *unstructured.Unstructured {
			return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "x", "namespace": "ns"}, "data": data}}
		}
		have := configMap(live)
		have.Object["metadata"].(map[string]any)["managedFields"] = []any{ //nolint:forcetypeassert // made above
			map[string]any{"manager": object.FieldManager, "operation": "Apply", "fieldsV1": map[string]any{"f:data": ours}},
			map[string]any{"manager": "kubectl-edit", "operation": "Update", "fieldsV1": map[string]any{"f:data": theirs}},
		}
		o := Compare(Input{Desired: []*unstructured.Unstructured{configMap(desired)}, Live: []*unstructured.Unstructured{have}, Schemas: set}).Objects[0]
		if changes := !maps.Equal(applied, live); (o.State == Modified) != changes {
			t.Fatalf("seed %d: %s, and applying %v to %v, of which %v is ours, gives %v\n%+v", seed, o.State, desired, live, ours, applied, o.Fields)
		}
		for _, f := range o.Fields {
			key := strings.TrimPrefix(f.Path, "data.")
			if f.ToSync() == (applied[key] == live[key]) {
				t.Fatalf("seed %d: %+v, and applying makes %v of %v", seed, f, applied[key], live[key])
			}
		}
	}
}
