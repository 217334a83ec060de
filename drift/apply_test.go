package drift

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	runtimeschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/managedfields/managedfieldstest"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/trueup-dev/trueup/internal/object"
)

// choice is what one field of the generated objects may hold; nil leaves the
// field out. None of it is a default: the server here has none.
type choice struct {
	path   []string
	values []any
}

type m = map[string]any

type l = []any

// shape is a kind with fields that have one owner as a whole, and what they may
// hold: explicit empty values too.
type shape struct {
	apiVersion, kind string
	choices          []choice
}

func shapes() []shape {
	rule := func(verb string) any {
		return m{"apiGroups": l{""}, "resources": l{"pods"}, "verbs": l{verb}}
	}
	labels := func(values ...string) m {
		out := m{}
		for i := 0; i < len(values); i += 2 {
			out[values[i]] = values[i+1]
		}
		return m{"matchLabels": out}
	}
	exists := l{m{"key": "x", "operator": "Exists"}}
	peer := m{"podSelector": labels("a", "1")}
	open := m{"podSelector": labels("a", "1"), "namespaceSelector": m{}}
	ports := l{m{"port": int64(53), "protocol": "UDP"}}
	affinity := func(term m) any {
		term["topologyKey"] = "zone"
		return m{"podAntiAffinity": m{"requiredDuringSchedulingIgnoredDuringExecution": l{term}}}
	}
	pod := func(name string, values ...any) choice {
		return choice{[]string{"spec", "template", "spec", name}, values}
	}
	selectors := []any{nil, m{}, labels("a", "1"), labels("a", "2"), labels("a", "1", "b", "1"), m{"matchExpressions": exists}, m{"matchLabels": m{"a": "1"}, "matchExpressions": exists}}
	return []shape{
		{"rbac.authorization.k8s.io/v1", "Role", []choice{
			{[]string{"rules"}, []any{nil, l{}, l{rule("get")}, l{rule("list")}, l{rule("get"), rule("list")}}},
		}},
		{"v1", "Service", []choice{
			{[]string{"spec", "selector"}, []any{nil, m{}, m{"a": "1"}, m{"a": "2"}, m{"a": "1", "b": "1"}}},
			{[]string{"spec", "externalIPs"}, []any{nil, l{}, l{"192.0.2.1"}, l{"192.0.2.1", "192.0.2.2"}}},
		}},
		{"networking.k8s.io/v1", "NetworkPolicy", []choice{
			{[]string{"spec", "podSelector"}, selectors[1:]},
			{[]string{"spec", "ingress"}, []any{
				nil, l{}, l{m{}}, l{m{"from": l{peer}}}, l{m{"from": l{open}}}, l{m{"from": l{peer}, "ports": ports}},
				l{m{"from": l{m{"podSelector": m{}}}}}, l{m{"from": l{}, "ports": ports}},
			}},
		}},
		{"policy/v1", "PodDisruptionBudget", []choice{{[]string{"spec", "selector"}, selectors}}},
		{"apps/v1", "Deployment", []choice{
			pod("nodeSelector", nil, m{}, m{"a": "1"}, m{"a": "1", "b": "1"}),
			pod("tolerations", nil, l{}, l{m{"key": "a"}}, l{m{"key": "a", "effect": "NoExecute"}}, l{m{"operator": "Exists"}}),
			pod("affinity", nil, affinity(m{}), affinity(m{"labelSelector": m{}}), affinity(m{"labelSelector": labels("a", "1")}), affinity(m{"namespaceSelector": m{}})),
			pod("volumes", nil, l{m{"name": "v", "emptyDir": m{}}}, l{m{"name": "v", "emptyDir": m{"medium": "Memory"}}}, l{m{"name": "v", "downwardAPI": m{}}}),
			pod("containers", l{m{"name": "c"}}, l{m{"name": "c", "args": l{}}}, l{m{"name": "c", "args": l{"a"}}}, l{m{"name": "c", "args": l{"a", "b"}}}),
		}},
		{"example.com/v1", "Issuer", []choice{
			{[]string{"spec", "group"}, []any{"a"}},
			{[]string{"spec", "selfSigned"}, []any{nil, m{}}},
			{[]string{"spec", "ca"}, []any{nil, m{"secretName": "a"}, m{"secretName": "b"}}},
			{[]string{"spec", "hosts"}, []any{nil, l{"a"}, l{"a", "b"}}},
		}},
	}
}

func (s shape) object(t *testing.T, r *rand.Rand) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{Object: m{"apiVersion": s.apiVersion, "kind": s.kind, "metadata": m{"name": "x", "namespace": "ns"}}}
	for _, c := range s.choices {
		value := c.values[r.IntN(len(c.values))]
		if value == nil {
			continue
		}
		if err := unstructured.SetNestedField(u.Object, runtime.DeepCopyJSONValue(value), c.path...); err != nil {
			t.Fatal(err)
		}
	}
	return u
}

// server applies and stores as an API server does.
type server struct {
	*managedfields.FieldManager
	gvk runtimeschema.GroupVersionKind
}

func newServer(gvk runtimeschema.GroupVersionKind) server {
	types := managedfields.NewDeducedTypeConverter()
	if scheme.Scheme.Recognizes(gvk) {
		types = applyconfigurations.NewTypeConverter(scheme.Scheme)
	}
	return server{managedfieldstest.NewFakeFieldManager(types, gvk), gvk}
}

// stored is what the server keeps: it holds kinds of its own as Go structs.
func (s server) stored(t *testing.T, o runtime.Object) *unstructured.Unstructured {
	t.Helper()
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		t.Fatalf("%T", o)
	}
	if !scheme.Scheme.Recognizes(s.gvk) {
		return u
	}
	typed, err := scheme.Scheme.New(s.gvk)
	if err != nil {
		t.Fatal(err)
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, typed); err != nil {
		t.Fatal(err)
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: content}
}

func (s server) apply(t *testing.T, live, git *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	out, err := s.Apply(live, git.DeepCopy(), object.FieldManager, true)
	if err != nil {
		t.Fatal(err)
	}
	return s.stored(t, out)
}

func (s server) edit(t *testing.T, live, edited *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	edited.SetManagedFields(live.GetManagedFields())
	out, err := s.Update(live, edited, "kubectl-edit")
	if err != nil {
		t.Fatal(err)
	}
	return s.stored(t, out)
}

// content is an object without what tells who wrote it. A list without items is
// the same as none.
func content(u *unstructured.Unstructured) any {
	out := u.DeepCopy()
	out.SetManagedFields(nil)
	return withoutEmptyLists(out.Object)
}

func withoutEmptyLists(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if list, ok := value.([]any); ok && len(list) == 0 || value == nil {
				delete(v, name)
				continue
			}
			withoutEmptyLists(value)
		}
	case []any:
		for _, item := range v {
			withoutEmptyLists(item)
		}
	}
	return v
}

// TestModifiedIsWhatServerSideApplyChanges: after a sync, perhaps an edit by
// hand, and a commit, an object is Modified exactly if applying what Git says
// now changes it, by the API server's own code.
func TestModifiedIsWhatServerSideApplyChanges(t *testing.T) {
	t.Parallel()
	set := builtin(t)
	for _, s := range shapes() {
		t.Run(s.kind, func(t *testing.T) {
			t.Parallel()
			gvk := runtimeschema.FromAPIVersionAndKind(s.apiVersion, s.kind)
			srv := newServer(gvk)
			states := map[State]int{}
			for seed := range uint64(400) {
				r := rand.New(rand.NewPCG(seed, 3))
				empty := &unstructured.Unstructured{Object: m{"apiVersion": s.apiVersion, "kind": s.kind}}
				before, git := s.object(t, r), s.object(t, r)
				live := srv.apply(t, empty, before)
				if r.IntN(2) == 0 {
					live = srv.edit(t, live, srv.stored(t, s.object(t, r)))
				}
				if r.IntN(3) == 0 {
					git = before
				}
				applied := srv.apply(t, live.DeepCopy(), git)
				o := Compare(Input{Desired: []*unstructured.Unstructured{git}, Live: []*unstructured.Unstructured{live}, Schemas: set}).Objects[0]
				states[o.State]++
				diff := cmp.Diff(content(live), content(applied))
				if (o.State == Modified) != (diff != "") {
					t.Errorf("seed %d: %s with %+v\nlive %s\nGit %s\nowners %s\nand applying makes (-live +applied):\n%s",
						seed, o.State, o.Fields, compact(content(live)), compact(git.Object), compact(live.Object["metadata"]), diff)
				}
			}
			if states[InSync] < 20 || states[Modified] < 20 {
				t.Errorf("the objects are too much alike: %v", states)
			}
		})
	}
}
