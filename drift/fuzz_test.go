package drift

import (
	"bytes"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/internal/object"
)

// FuzzCompare feeds hostile objects: whatever live and its managedFields hold,
// comparing returns a sound report.
func FuzzCompare(f *testing.F) {
	set := builtin(f)
	for _, pattern := range []string{"*.txtar", "insync/*.txtar"} {
		for _, name := range archives(f, pattern) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(file(archive, "desired.yaml"), file(archive, "live.yaml"))
		}
	}
	f.Add([]byte(`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":"x","stringData":[1]}`),
		[]byte(`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","labels":[1],"managedFields":[{"fieldsV1":{"f:data":7}},4,{"fieldsV1":"x","time":3}]},"data":{"a":{"b":[null]}}}`))
	rules, problems := ignore.Compile(ignore.Rule{
		Name: "all", Group: "*", Kind: "*", Paths: []string{"metadata.*.x", "spec.*[*].name", "data.*"}, JSONPointers: []string{"/spec/0/a", "/spec/replicas"},
		JQPathExpressions: []string{".. | .name?", ".spec[]?[0]?"}, ManagedFieldsManagers: []string{"kubectl-edit"}, When: "live != desired",
	}, ignore.Rule{Name: "plain", Group: "*", Kind: "*", Paths: []string{"spec.template.spec.containers[*]", "rules[0]", "metadata.labels"}})
	if len(problems) > 0 {
		f.Fatal(problems)
	}
	f.Fuzz(func(t *testing.T, desired, live []byte) {
		want, err := Parse(bytes.NewReader(desired), "desired")
		if err != nil {
			t.Skip()
		}
		have, err := Parse(bytes.NewReader(live), "live")
		if err != nil {
			t.Skip()
		}
		in := Input{Desired: want, Live: have, Schemas: set}
		report := Compare(in)
		in.Rules = rules
		for _, o := range append(report.Objects, Compare(in).Objects...) {
			modified := false
			for _, field := range o.Fields {
				modified = modified || field.ToSync()
				if field.Path == "" {
					t.Errorf("%s: a difference without a path", o.Key())
				}
			}
			if o.Fields == nil || modified != (o.State == Modified) {
				t.Errorf("%s is %s with fields %+v", o.Key(), o.State, o.Fields)
			}
		}
		for _, o := range Compare(Input{Desired: want, Live: want, Schemas: set}).Objects {
			if o.State != InSync && o.State != Extra {
				t.Errorf("%s differs from itself: %+v", o.Key(), o)
			}
		}
		for _, u := range have {
			mark := Fingerprint(u.GetManagedFields(), object.FieldManager)
			if mark.Suspicious(mark) {
				t.Errorf("%s: a mark is suspicious of itself", object.KeyOf(u))
			}
		}
	})
}
