package plan

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/revert"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/object"
)

func objects(t *testing.T, text string) []*unstructured.Unstructured {
	t.Helper()
	var out []*unstructured.Unstructured
	for doc := range strings.SplitSeq(text, "\n---\n") {
		if strings.TrimSpace(doc) == "" {
			continue
		}
		raw, err := yaml.YAMLToJSON([]byte(doc))
		if err != nil {
			t.Fatalf("%v in:\n%s", err, doc)
		}
		u := &unstructured.Unstructured{}
		if err := u.UnmarshalJSON(raw); err != nil {
			t.Fatalf("%v in:\n%s", err, doc)
		}
		out = append(out, u)
	}
	return out
}

// input reads a case: desired and live objects, and the policy by the names
// of its fields. A live object with the annotation trueup.dev/owner is
// tracked by that application, so that cases need no ids.
func input(t *testing.T, a *txtar.Archive) Input {
	t.Helper()
	in := Input{App: "shop", Revision: "4f2a91c"}
	for _, f := range a.Files {
		switch f.Name {
		case "desired":
			in.Desired = objects(t, string(f.Data))
		case "live":
			in.Live = objects(t, string(f.Data))
		case "policy":
			if err := yaml.UnmarshalStrict(f.Data, &in.Policy); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, u := range in.Desired {
		object.Track(u, in.App)
	}
	for _, u := range in.Live {
		annotations := u.GetAnnotations()
		owner := annotations["trueup.dev/owner"]
		delete(annotations, "trueup.dev/owner")
		u.SetAnnotations(annotations)
		if owner != "" {
			object.Track(u, owner)
		}
		if app, ok := object.OwnerOf(u); ok && app == in.App {
			in.Inventory = append(in.Inventory, object.KeyOf(u))
		}
	}
	schemas, err := schemas()
	if err != nil {
		t.Fatal(err)
	}
	in.Report = drift.Compare(drift.Input{Desired: in.Desired, Live: in.Live, Schemas: schemas})
	return in
}

var schemas = sync.OnceValues(schema.Builtin)

func TestPlans(t *testing.T) {
	t.Parallel()
	golden.Archives(t, "plan", func(t *testing.T, a *txtar.Archive) string { return Make(input(t, a)).String() })
}

func TestGuardsAreTriedInThisOrder(t *testing.T) {
	t.Parallel()
	var got []string
	for _, g := range Guards() {
		got = append(got, g.Name)
	}
	for _, k := range keepers() {
		got = append(got, k.name)
	}
	want := []string{
		"RefuseEmpty", "RefuseUnnamed", "RefuseForeignOwner",
		"KeepHook", "KeepPruneOff", "KeepOptedOut", "KeepUnconfirmed", "ProtectedPrune",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestGroupsRunInOrder(t *testing.T) {
	t.Parallel()
	p := Make(Input{App: "shop", Policy: Policy{Prune: true},
		Desired: objects(t, `
{apiVersion: v1, kind: Service, metadata: {name: b, namespace: shop}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}
---
{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: shop}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: Service, metadata: {name: late, namespace: shop, annotations: {trueup.dev/sync-wave: "1"}}}
`)})
	var got []string
	for _, g := range p.Groups() {
		var keys []string
		for _, s := range g.Steps {
			keys = append(keys, s.Key.String())
		}
		got = append(got, strings.Join(keys, ", "))
	}
	want := []string{"Namespace shop", "ConfigMap shop/a, Secret shop/a", "Service shop/b"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

func TestMakeLeavesItsInputAlone(t *testing.T) {
	t.Parallel()
	archive, err := txtar.ParseFile("testdata/prune.txtar")
	if err != nil {
		t.Fatal(err)
	}
	in, same := input(t, archive), input(t, archive)
	Make(in)
	if diff := cmp.Diff(same, in); diff != "" {
		t.Errorf("Make changed its input (-want +got):\n%s", diff)
	}
}

func TestSecretsDoNotEnterJSON(t *testing.T) {
	t.Parallel()
	archive, err := txtar.ParseFile("testdata/secret.txtar")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(Make(input(t, archive)))
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"bmV3LXBhc3N3b3Jk", "b2xkLXBhc3N3b3Jk", "Zmlyc3Q="} {
		if strings.Contains(string(raw), value) {
			t.Errorf("the value %s is in the plan: %s", value, raw)
		}
	}
	if !strings.Contains(string(raw), `"action":"update"`) {
		t.Errorf("no update in %s", raw)
	}
}

func TestOption(t *testing.T) {
	t.Parallel()
	options := []string{"CreateNamespace=true", " Prune=false", "Prune=confirm"}
	tests := map[string]string{"CreateNamespace": "true", "Prune": "confirm", "Replace": ""}
	for name, want := range tests {
		if got := Option(options, name); got != want {
			t.Errorf("Option(%s) = %q, want %q", name, got, want)
		}
	}
}

// TestRemovalsAreData: a plan tells in JSON what is removed from which version,
// and leaves alone what is to stay absent.
func TestRemovalsAreData(t *testing.T) {
	t.Parallel()
	archive, err := txtar.ParseFile("testdata/undeclared.txtar")
	if err != nil {
		t.Fatal(err)
	}
	in := input(t, archive)
	key := object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "b"}
	in.Desired = append(in.Desired, objects(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: fought, namespace: shop}}")...)
	in.Absent = map[object.Key]bool{{Kind: "ConfigMap", Namespace: "shop", Name: "fought"}: true}
	in.Removals = map[object.Key]Removals{key: {APIVersion: "v1", Version: "7", Remove: []revert.Removal{{Pointer: "/data/b", Paths: []string{"data.b"}}}}}
	p := Make(in)
	text, err := json.Marshal(p.Steps[1])
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"action":"update","key":{"group":"","kind":"ConfigMap","namespace":"shop","name":"b"},"wave":0,` +
		`"fields":[{"path":"data.b","desired":null,"live":"3","class":"undeclared","manager":"kubectl","operation":"Update","time":null}],` +
		`"remove":[{"pointer":"/data/b","paths":["data.b"]}],"version":"7"}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if p.Steps[1].Object != nil || len(p.Steps) != 2 {
		t.Errorf("%d steps, and the second applies %v", len(p.Steps), p.Steps[1].Object)
	}
}
