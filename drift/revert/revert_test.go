package revert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/object"
)

func parse(t testing.TB, text []byte) []*unstructured.Unstructured {
	t.Helper()
	all, err := drift.Parse(bytes.NewReader(text), "test")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func builtin(t testing.TB) *schema.Set {
	t.Helper()
	set, err := schema.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// without removes what removals point at, as an API server does.
func without(live *unstructured.Unstructured, removals []Removal) (*unstructured.Unstructured, error) {
	document, err := json.Marshal(live.Object)
	if err != nil {
		return nil, err
	}
	for _, r := range removals {
		text, err := json.Marshal([]map[string]string{{"op": "remove", "path": r.Pointer}})
		if err != nil {
			return nil, err
		}
		patch, err := jsonpatch.DecodePatch(text)
		if err != nil {
			return nil, err
		}
		if document, err = patch.Apply(document); err != nil {
			return nil, fmt.Errorf("%s: %w", r.Pointer, err)
		}
	}
	out := &unstructured.Unstructured{}
	return out, json.Unmarshal(document, &out.Object)
}

func removable(o drift.Object) []drift.Field {
	return slices.DeleteFunc(slices.Clone(o.Fields), func(f drift.Field) bool { return Kept(f) != "" })
}

// TestRemovals: what is removed, and what a comparison says afterwards.
func TestRemovals(t *testing.T) {
	t.Parallel()
	set := builtin(t)
	golden.Archives(t, "want", func(t *testing.T, a *txtar.Archive) string {
		in := drift.Input{Desired: parse(t, a.Files[0].Data), Live: parse(t, a.Files[1].Data), Schemas: set}
		desired, live := object.Index(in.Desired), object.Index(in.Live)
		var b strings.Builder
		after := drift.Input{Desired: in.Desired, Schemas: set}
		for _, o := range drift.Compare(in).Objects {
			fmt.Fprintln(&b, o.Key().Short())
			for _, f := range o.Fields {
				if why := Kept(f); f.Class == drift.Undeclared && why != "" {
					fmt.Fprintf(&b, "  keep %s: %s\n", f.Path, why)
				}
			}
			removals, lost := Removals(desired[o.Key()], live[o.Key()], removable(o))
			for _, path := range lost {
				fmt.Fprintln(&b, "  lost "+path)
			}
			for _, r := range removals {
				fmt.Fprintf(&b, "  remove %s (%s)\n", r.Pointer, strings.Join(r.Paths, ", "))
			}
			rest, err := without(live[o.Key()], removals)
			if err != nil {
				t.Error(err)
				continue
			}
			after.Live = append(after.Live, rest)
			rest = rest.DeepCopy()
			unstructured.RemoveNestedField(rest.Object, "metadata", "managedFields")
			text, err := yaml.Marshal(rest.Object)
			if err != nil {
				t.Error(err)
			}
			b.WriteString("  | " + strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n  | ") + "\n")
		}
		b.WriteString("afterwards\n")
		for _, o := range drift.Compare(after).Objects {
			for _, f := range o.Fields {
				fmt.Fprintf(&b, "  %s %s %s\n", f.Class, o.Key().Short(), f.Path)
			}
		}
		return b.String()
	})
}

func field(path string, desired, live any, manager, operation string) drift.Field {
	class := drift.Declared
	if desired == nil {
		class = drift.Removed
	}
	return drift.Field{Path: path, Desired: desired, Live: live, Class: class, Manager: manager, Operation: operation}
}

func TestApply(t *testing.T) {
	t.Parallel()
	object := func(text string) *unstructured.Unstructured {
		u := &unstructured.Unstructured{}
		if err := json.Unmarshal([]byte(text), &u.Object); err != nil {
			t.Fatal(err)
		}
		return u
	}
	const live = `{"apiVersion":"v1","spec":{"replicas":7,"paused":true,"image":"w:2"}}`
	for reason, tc := range map[string]struct {
		desired string
		fields  []drift.Field
		leave   Leave
		want    string // empty: desired itself
		refused bool
	}{
		"nothing is left":                         {`{"apiVersion":"v1","spec":{"replicas":2}}`, []drift.Field{field("spec.replicas", 2, 7, "x", "Update")}, Correct, ``, false},
		"left to its owner":                       {`{"apiVersion":"v1","spec":{"replicas":2}}`, []drift.Field{field("spec.replicas", 2, 7, "x", "Update")}, Untouched, `{"apiVersion":"v1","spec":{}}`, false},
		"ours: the live value is sent":            {`{"apiVersion":"v1","spec":{"image":"w:3"}}`, []drift.Field{field("spec.image", "w:3", "w:2", "trueup", "Apply")}, Untouched, `{"apiVersion":"v1","spec":{"image":"w:2"}}`, false},
		"what Git dropped stays ours":             {`{"apiVersion":"v1","spec":{}}`, []drift.Field{field("spec.paused", nil, true, "trueup", "Apply")}, Untouched, `{"apiVersion":"v1","spec":{"paused":true}}`, false},
		"what live lacks is not added":            {`{"apiVersion":"v1","spec":{"new":1}}`, []drift.Field{field("spec.new", 1, nil, "", "")}, Untouched, `{"apiVersion":"v1","spec":{}}`, false},
		"unless only what is there is respected":  {`{"apiVersion":"v1","spec":{"new":1}}`, []drift.Field{field("spec.new", 1, nil, "", "")}, Respect, ``, false},
		"another version does not tell the paths": {`{"apiVersion":"v2","spec":{"replicas":2}}`, []drift.Field{field("spec.replicas", 2, 7, "x", "Update")}, Untouched, ``, true},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			desired := object(tc.desired)
			got, ok := Apply(desired, object(live), drift.Object{Fields: tc.fields}, func(drift.Field) Leave { return tc.leave })
			if ok == tc.refused {
				t.Errorf("ok is %v", ok)
			}
			want := desired
			if tc.want != "" {
				want = object(tc.want)
			} else if got != desired {
				t.Error("a copy where desired would do")
			}
			if diff := cmp.Diff(want.Object, got.Object); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(object(tc.desired).Object, desired.Object); diff != "" {
				t.Errorf("desired was changed:\n%s", diff)
			}
		})
	}
}

// TestProposalsExplain: the rule that is proposed for a difference is well
// formed, and explains that difference and no other.
func TestProposalsExplain(t *testing.T) {
	t.Parallel()
	archive, err := txtar.ParseFile("testdata/added.txtar")
	if err != nil {
		t.Fatal(err)
	}
	live := bytes.Replace(archive.Files[1].Data, []byte("web:1"), []byte("web:9"), 1)
	in := drift.Input{Desired: parse(t, archive.Files[0].Data), Live: parse(t, live), Schemas: builtin(t)}
	o := drift.Compare(in).Objects[0]
	for _, f := range o.Fields {
		if f.Class == drift.Expected {
			continue
		}
		proposal := Propose(o.Key(), f.Path)
		var spec struct {
			IgnoreDifferences []ignore.Rule `json:"ignoreDifferences"`
		}
		if err := yaml.UnmarshalStrict([]byte(proposal), &spec); err != nil {
			t.Fatalf("%v in\n%s", err, proposal)
		}
		spec.IgnoreDifferences[0].Name = "proposed"
		rules, problems := ignore.Compile(spec.IgnoreDifferences...)
		if len(problems) > 0 {
			t.Fatalf("%v in\n%s", problems, proposal)
		}
		in.Rules = rules
		explained := []string{}
		for _, g := range drift.Compare(in).Objects[0].Fields {
			if g.Rule == "proposed" {
				explained = append(explained, g.Path)
			}
		}
		if diff := cmp.Diff([]string{f.Path}, explained); diff != "" {
			t.Errorf("explained (-want +got):\n%s\nby\n%s", diff, proposal)
		}
	}
}

// FuzzRemovals feeds hostile objects: what is told can be removed in the order
// in which it is told, and then no comparison tells it any more.
func FuzzRemovals(f *testing.F) {
	set := builtin(f)
	for _, name := range []string{"added", "declared", "atomic"} {
		archive, err := txtar.ParseFile("testdata/" + name + ".txtar")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive.Files[0].Data, archive.Files[1].Data)
	}
	f.Add([]byte(`{"apiVersion":"e.com/v1","kind":"T","metadata":{"name":"a"}}`),
		[]byte(`{"apiVersion":"e.com/v1","kind":"T","metadata":{"name":"a","managedFields":[{"manager":"x","operation":"Update","fieldsV1":{"f:spec":{"f:":{},"f:*":{},"f:l":{}}}}]},"spec":{"":1,"*":[[{}]],"l":[[1],[2]]}}`))
	f.Fuzz(func(t *testing.T, desired, live []byte) {
		want, err := drift.Parse(bytes.NewReader(desired), "desired")
		if err != nil {
			t.Skip()
		}
		have, err := drift.Parse(bytes.NewReader(live), "live")
		if err != nil {
			t.Skip()
		}
		wants, haves := object.Index(want), object.Index(have)
		for _, o := range drift.Compare(drift.Input{Desired: want, Live: have, Schemas: set}).Objects {
			if wants[o.Key()] == nil || haves[o.Key()] == nil {
				continue
			}
			before := haves[o.Key()].DeepCopy()
			removals, _ := Removals(wants[o.Key()], haves[o.Key()], removable(o))
			if diff := cmp.Diff(before, haves[o.Key()]); diff != "" {
				t.Fatalf("live was changed:\n%s", diff)
			}
			if _, err := without(haves[o.Key()], removals); err != nil {
				t.Errorf("%+v: %v", removals, err)
			}
		}
	})
}
