package admission_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/policy/admission"
	"github.com/trueup-dev/trueup/preview/policy"
)

// TestPolicies runs the cases of testdata: what is declared, and objects before
// and after.
func TestPolicies(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			parts := map[string][]*unstructured.Unstructured{}
			for _, f := range archive.Files {
				if parts[f.Name], err = drift.Parse(strings.NewReader(string(f.Data)), f.Name); err != nil {
					t.Fatal(err)
				}
			}
			var given []admission.Given
			for _, u := range parts["declared"] {
				given = append(given, admission.Given{Object: u.Object, Origin: "p.yaml", Loose: strings.Contains(string(archive.Comment), "loose")})
			}
			e, problems := admission.New(given)
			var got strings.Builder
			for _, p := range problems {
				got.WriteString("problem: " + p + "\n")
			}
			for _, s := range subjects(parts["before"], parts["after"]) {
				found, failures := e.Judge(t.Context(), s)
				for _, v := range found {
					fmt.Fprintf(&got, "%s %s: %s: %s: %s\n", s.Action, s.Key.Short(), v.Level, v.Policy, v.Message)
				}
				for _, err := range failures {
					fmt.Fprintf(&got, "%s %s: failure: %v\n", s.Action, s.Key.Short(), err)
				}
			}
			// Which bound comes first depends on the machine.
			text := strings.ReplaceAll(got.String(), "operation cancelled: actual cost limit exceeded", "it takes longer than 1s")
			golden.File(t, strings.TrimSuffix(name, ".txtar")+".golden", text)
		})
	}
}

func subjects(before, after []*unstructured.Unstructured) []policy.Subject {
	var out []policy.Subject
	old := map[object.Key]map[string]any{}
	for _, u := range before {
		old[object.KeyOf(u)] = u.Object
	}
	for _, u := range after {
		s := policy.Subject{Action: "create", Key: object.KeyOf(u), After: u.Object}
		if b := old[s.Key]; b != nil {
			s.Action, s.Before = "update", b
			delete(old, s.Key)
		}
		out = append(out, s)
	}
	for key, b := range old {
		out = append(out, policy.Subject{Action: "delete", Key: key, Before: b})
	}
	return out
}
