package lifecycle_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/lifecycle"
	"github.com/trueup-dev/trueup/internal/golden"
)

// noon is the time of every case.
func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// scene is what a case says of the world. Applications go to the agent's own
// cluster unless they say where; those that exist are as the set made them.
type scene struct {
	Agent struct {
		Policy   string
		Override bool
		Budget   *v1alpha1.DeletionBudget
	}
	Owned, Wanted, Others []v1alpha1.Application
	Answers               []appset.Answer
	Rejected              []struct{ Name, Generator, Error string }
	Warnings              []string
	From                  []string // the generators of the wanted ones
	Projects              []string
	Clusters              []appset.Cluster
	Error                 string
}

func complete(apps []v1alpha1.Application, set *v1alpha1.ApplicationSet, owned bool) []v1alpha1.Application {
	for i := range apps {
		a := &apps[i]
		a.Namespace = set.Namespace
		if a.Spec.Destination == (v1alpha1.ApplicationDestination{}) {
			a.Spec.Destination.Name = appset.LocalName
		}
		if !owned {
			continue
		}
		a.UID = types.UID("uid-" + a.Name)
		if a.Spec.Project == "" {
			a.Spec.Project = "default"
		}
		a.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(set, v1alpha1.GroupVersion().WithKind("ApplicationSet"))}
	}
	return apps
}

func (s *scene) input(set *v1alpha1.ApplicationSet) lifecycle.Input {
	in := lifecycle.Input{Set: set, Now: noon(), Agent: lifecycle.Agent{Policy: s.Agent.Policy, Override: s.Agent.Override, Budget: lifecycle.DefaultBudget()}}
	if s.Agent.Budget != nil {
		in.Agent.Budget = *s.Agent.Budget
	}
	in.Owned = complete(s.Owned, set, true)
	in.Others = map[string]v1alpha1.Application{}
	for _, app := range complete(s.Others, set, false) {
		in.Others[app.Name] = app
	}
	in.Result = appset.Result{Applications: complete(s.Wanted, set, false), Answers: s.Answers, Warnings: s.Warnings}
	for i, from := range s.From {
		in.Result.Explained = append(in.Result.Explained, appset.Explanation{Application: s.Wanted[i].Name, Origin: appset.Origin{Generator: from}})
	}
	for _, r := range s.Rejected {
		in.Result.Rejected = append(in.Result.Rejected, appset.Rejection{Name: r.Name, Generator: r.Generator, Err: errors.New(r.Error)})
	}
	if s.Error != "" {
		in.Err = errors.New(s.Error)
	}
	if s.Projects != nil {
		in.Known.Projects = map[string]bool{}
		for _, p := range s.Projects {
			in.Known.Projects[p] = true
		}
	}
	in.Known.Clusters = s.Clusters
	return in
}

// describe writes a plan as lines.
func describe(t *testing.T, p *lifecycle.Plan) string {
	t.Helper()
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	for _, app := range p.Create {
		line("create %s", app.Name)
	}
	for _, u := range p.Update {
		line("update %s: %s", u.To.Name, patch(t, u))
	}
	for _, app := range p.Delete {
		line("delete %s", app.Name)
	}
	for _, k := range p.Kept {
		line("do not %s %s: %s", k.Action, k.Name, k.Reason)
	}
	for _, r := range p.Rejected {
		line("reject %q: %v", r.Name, r.Err)
	}
	if p.Held != nil {
		line("hold %d under %s since %s", p.Held.Count, p.Held.Digest, p.Held.Since.UTC().Format(time.TimeOnly))
	}
	if p.Confirmed {
		line("confirmed")
	}
	if p.Spent != "" {
		line("take off the confirmation %s", p.Spent)
	}
	if p.Err != nil {
		line("error: %v", p.Err)
	}
	if p.Window != nil {
		line("count deletions from %d applications since %s", p.Window.Applications, p.Window.Since.UTC().Format(time.TimeOnly))
	}
	for _, g := range p.Generators {
		line("remember %s %d %v", g.Path, g.ParameterSets, g.PullRequests)
		if len(g.Empty) > 0 {
			line("  empty %v", g.Empty)
		}
		if len(g.Lacks) > 0 {
			line("  lacks %v", g.Lacks)
		}
	}
	return b.String()
}

// patch shows what an update changes, as a merge patch of the parts that
// differ at the top.
func patch(t *testing.T, u lifecycle.Update) string {
	t.Helper()
	var sides [2]map[string]any
	for i, app := range []v1alpha1.Application{u.From, u.To} {
		data, err := json.Marshal(map[string]any{
			"labels": app.Labels, "annotations": app.Annotations, "finalizers": app.Finalizers, "owners": len(app.OwnerReferences), "spec": app.Spec,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &sides[i]); err != nil {
			t.Fatal(err)
		}
	}
	data, err := json.Marshal(changed(sides[0], sides[1]))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func changed(from, to map[string]any) map[string]any {
	out := map[string]any{}
	for key := range from {
		if _, ok := to[key]; !ok {
			out[key] = nil
		}
	}
	for key, want := range to {
		have := from[key]
		a, isA := have.(map[string]any)
		b, isB := want.(map[string]any)
		if isA && isB {
			if d := changed(a, b); len(d) > 0 {
				out[key] = d
			}
			continue
		}
		if fmt.Sprint(have) != fmt.Sprint(want) {
			out[key] = want
		}
	}
	return out
}

// run makes a plan of a case: "set", "scene".
func run(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	set := &v1alpha1.ApplicationSet{}
	var s scene
	for _, f := range a.Files {
		var err error
		switch f.Name {
		case "set":
			err = yaml.UnmarshalStrict(f.Data, set)
		case "scene":
			err = yaml.UnmarshalStrict(f.Data, &s)
		}
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
	}
	set.Name, set.Namespace, set.UID, set.Generation = "shop", "trueup", "uid-of-shop", 1
	in := s.input(set)
	p := lifecycle.Make(t.Context(), in)
	var b strings.Builder
	b.WriteString(describe(t, &p))
	status := lifecycle.Status(in, &p, lifecycle.Outcome{})
	for _, c := range status.Conditions {
		fmt.Fprintf(&b, "%s %s %s: %s\n", c.Type, c.Status, c.Reason, strings.ReplaceAll(c.Message, "\n", " | "))
	}
	fmt.Fprintf(&b, "health %s, %d applications\n", status.Health.Status, status.ResourcesCount)
	// Told once more, nothing moves.
	next := in
	next.Set = set.DeepCopy()
	next.Set.Status = status
	next.Now = in.Now.Add(time.Hour)
	again := lifecycle.Make(t.Context(), next)
	if p.Empty() && describe(t, &again) != describe(t, &p) && p.Spent == "" {
		t.Errorf("the second time the plan is another:\n%s", describe(t, &again))
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	t.Parallel()
	golden.Archives(t, "want", run)
}

func TestProtected(t *testing.T) {
	t.Parallel()
	for what, tc := range map[string]struct {
		rejected []string
		want     []string
	}{
		"nothing rejected":                  {},
		"one by its name":                   {rejected: []string{"a"}, want: []string{"a"}},
		"one that is also given by another": {rejected: []string{"given"}},
		"one without a name":                {rejected: []string{"a", ""}, want: []string{"a", "b"}},
	} {
		result := appset.Result{Applications: []v1alpha1.Application{{ObjectMeta: metav1.ObjectMeta{Name: "given"}}}}
		for _, name := range tc.rejected {
			result.Rejected = append(result.Rejected, appset.Rejection{Name: name})
		}
		var got []string
		for _, name := range []string{"a", "b", "given"} {
			if lifecycle.Protected(result)(name) {
				got = append(got, name)
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", what, diff)
		}
	}
}
