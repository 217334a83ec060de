package rego_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/policy/rego"
	"github.com/trueup-dev/trueup/preview/policy"
)

// subject is the change from before.yaml to after.yaml.
func subject(t *testing.T, before, after []byte) policy.Subject {
	t.Helper()
	s := policy.Subject{Action: "update", Application: "web", Namespace: "argocd", Cluster: "eu", Paths: []string{"spec"}}
	for data, into := range map[*[]byte]*map[string]any{&before: &s.Before, &after: &s.After} {
		if len(*data) == 0 {
			continue
		}
		if err := yaml.Unmarshal(*data, into); err != nil {
			t.Fatal(err)
		}
	}
	switch {
	case s.Before == nil:
		s.Action = "create"
	case s.After == nil:
		s.Action = "delete"
	}
	return s
}

// TestPolicies runs the cases of testdata: policies, an object before and
// after.
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
			var files []policy.File
			var before, after []byte
			for _, f := range archive.Files {
				switch f.Name {
				case "before.yaml":
					before = f.Data
				case "after.yaml":
					after = f.Data
				default:
					files = append(files, policy.File{Name: f.Name, Data: f.Data})
				}
			}
			e, problems := rego.New(t.Context(), files, rego.Bounds{Time: 20 * time.Second})
			var got strings.Builder
			for _, p := range problems {
				got.WriteString("problem: " + p + "\n")
			}
			found, failures := e.Judge(t.Context(), subject(t, before, after))
			for _, v := range found {
				fmt.Fprintf(&got, "%s: %s: %s (%s) change %v\n", v.Level, v.Policy, v.Message, v.Origin, v.Change)
			}
			for _, err := range failures {
				got.WriteString("failure: " + err.Error() + "\n")
			}
			golden.File(t, strings.TrimSuffix(name, ".txtar")+".golden", got.String())
		})
	}
}

// TestBounds: a policy that does not end, or takes all memory, is stopped, and
// the next one is asked all the same.
func TestBounds(t *testing.T) {
	t.Parallel()
	files := []policy.File{
		{Name: "a.rego", Data: []byte("package a\n\ndeny contains msg if {\n\tsome i in numbers.range(1, 100000)\n\tsome j in numbers.range(1, 100000)\n\ti * j == -1\n\tmsg := \"never\"\n}\n")},
		{Name: "b.rego", Data: []byte("package b\n\ndeny contains \"fine\" if input.kind == \"ConfigMap\"\n")},
	}
	s := subject(t, nil, []byte("kind: ConfigMap\n"))
	for _, tc := range []struct {
		bounds rego.Bounds
		want   string
	}{
		{rego.Bounds{Time: 50 * time.Millisecond, Memory: 4 << 30}, "a.deny (a.rego:3) cannot be evaluated: it takes longer than 50ms"},
		{rego.Bounds{Time: time.Minute, Memory: 8 << 20}, "a.deny (a.rego:3) cannot be evaluated: it takes more than 8 MiB of memory"},
	} {
		e, problems := rego.New(t.Context(), files, tc.bounds)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		began := time.Now()
		found, failures := e.Judge(t.Context(), s)
		if len(failures) != 1 || !strings.Contains(failures[0].Error(), tc.want) {
			t.Errorf("failures %v, want %s", failures, tc.want)
		}
		if !slices.ContainsFunc(found, func(v policy.Violation) bool { return v.Policy == "b.deny" }) {
			t.Errorf("the other policy was not asked: %v", found)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %s", took)
		}
	}
}
