package lifecycle_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/lifecycle"
)

// source is a generator of the simulated world.
type source struct {
	path     string
	verified bool            // its empty answers can be trusted
	has      map[string]bool // what a complete answer gives
	// questions are how often a matrix asks it, each for some of the names.
	questions int
}

// asked is the question whose answer holds a name.
func (s *source) asked(name string) int { return int(name[len(name)-1]) % s.questions }

// fuzzed is a world in which anything may fail, and an agent that may stop
// between any two writes.
type fuzzed struct {
	t         *testing.T
	rand      *rand.Rand
	now       time.Time
	sources   []*source
	set       *v1alpha1.ApplicationSet // as it is stored
	owned     map[string]v1alpha1.Application
	confirmed map[string]bool // names that the person agreed to
	project   bool            // the project is there
	made      int
	log       []string
}

func (f *fuzzed) maybe(percent int) bool { return f.rand.IntN(100) < percent }

func (f *fuzzed) note(format string, args ...any) {
	f.log = append(f.log, fmt.Sprintf(format, args...))
}

// truth is what a complete answer gives now.
func (f *fuzzed) truth() map[string]bool {
	out := map[string]bool{}
	for _, s := range f.sources {
		maps.Copy(out, s.has)
	}
	return out
}

// change does one ordinary thing.
func (f *fuzzed) change() {
	s := f.sources[f.rand.IntN(len(f.sources))]
	switch f.rand.IntN(5) {
	case 0, 1:
		f.made++
		s.has[fmt.Sprintf("app-%d", f.made%20)] = true // names come back
	case 2:
		for name := range s.has {
			delete(s.has, name)
			break
		}
	case 3:
		if f.maybe(30) {
			clear(s.has)
		}
	case 4:
		f.project = f.maybe(80)
	}
}

// expand answers as generators do, failing in so many percent of the cases.
func (f *fuzzed) expand(failing int) (appset.Result, error) {
	var out appset.Result
	given := map[string]bool{}
	for _, s := range f.sources {
		if f.maybe(failing / 3) {
			f.note("%s fails", s.path)
			return appset.Result{}, errors.New("rate limit, or a listing that stopped half way")
		}
		answer := appset.Answer{Path: s.path, Verified: s.verified}
		if !s.verified && f.maybe(failing) {
			f.note("%s answers nothing", s.path)
			out.Answers = append(out.Answers, answer)
			continue
		}
		silent, empty := make([]bool, s.questions), make([]bool, s.questions)
		for q := range silent {
			if silent[q], empty[q] = s.questions > 1 && f.maybe(failing/3), true; silent[q] {
				f.note("%s answers nothing to question %d", s.path, q)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(s.has)) {
			if silent[s.asked(name)] {
				continue
			}
			answer.ParameterSets++
			empty[s.asked(name)] = false
			switch {
			case f.maybe(failing / 10):
				f.note("%s is rejected", name)
				out.Rejected = append(out.Rejected, appset.Rejection{Name: name, Generator: s.path, Err: errors.New("a template error")})
			case f.maybe(failing / 20):
				f.note("%s is rejected, without a name", name)
				out.Rejected = append(out.Rejected, appset.Rejection{Generator: s.path, Err: errors.New("the name cannot be rendered")})
			case !given[name]:
				given[name] = true
				app := v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: name}}
				app.Spec.Project, app.Spec.Destination.Name = "shop", appset.LocalName
				out.Applications = append(out.Applications, app)
			}
		}
		for q := range empty {
			if empty[q] && s.questions > 1 {
				answer.Empty = append(answer.Empty, fmt.Sprintf("question-%d", q))
			}
		}
		out.Answers = append(out.Answers, answer)
	}
	return out, nil
}

// look has the agent look once; losing is the percentage of writes that are
// lost, after any of which it may stop.
func (f *fuzzed) look(failing, losing int) lifecycle.Plan {
	in := lifecycle.Input{Set: f.set.DeepCopy(), Now: f.now, Agent: lifecycle.Agent{Budget: lifecycle.DefaultBudget()}}
	in.Result, in.Err = f.expand(failing)
	in.Known.Projects = map[string]bool{"shop": f.project}
	for _, name := range slices.Sorted(maps.Keys(f.owned)) {
		in.Owned = append(in.Owned, f.owned[name])
	}
	p := lifecycle.Make(f.t.Context(), in)
	f.judge(&p)
	lost := func(what string) bool {
		if f.maybe(losing) {
			f.note("lost: %s", what)
			return true
		}
		return false
	}
	if !p.Empty() {
		if lost("the answers") {
			return p
		}
		f.set.Status.Generators = p.Generators
	}
	for _, app := range p.Create {
		if !lost("create " + app.Name) {
			f.made++
			app.UID, app.CreationTimestamp = types.UID(fmt.Sprintf("%s-%d", app.Name, f.made)), metav1.NewTime(f.now)
			f.owned[app.Name] = app
			f.note("create %s", app.Name)
		}
	}
	for _, app := range p.Delete {
		if !lost("delete " + app.Name) {
			delete(f.owned, app.Name)
			f.note("delete %s", app.Name)
		}
	}
	if lost("the status") {
		return p
	}
	f.set.Status = lifecycle.Status(in, &p, lifecycle.Outcome{})
	if p.Spent != "" && !lost("the annotation") {
		delete(f.set.Annotations, v1alpha1.ConfirmDeletion)
	}
	return p
}

// judge holds what must be true of every plan.
func (f *fuzzed) judge(p *lifecycle.Plan) {
	truth := f.truth()
	for _, app := range p.Delete {
		if truth[app.Name] && (!p.Confirmed || !f.confirmed[app.Name]) {
			f.t.Fatalf("%s is deleted, and a complete answer keeps it\n%s", app.Name, strings.Join(f.log, "\n"))
		}
	}
	if p.Err != nil && !p.Empty() {
		f.t.Fatalf("an error, and yet something is done: %+v", p)
	}
}

// confirm is a person who looks at what is held and lets it go, where it is
// gone indeed.
func (f *fuzzed) confirm() {
	held, truth := f.set.Status.Held, f.truth()
	if held == nil {
		return
	}
	for _, name := range held.Applications {
		if truth[name] {
			return
		}
	}
	for _, name := range held.Applications {
		f.confirmed[name] = true
	}
	f.note("confirm %v", held.Applications)
	f.set.Annotations = map[string]string{v1alpha1.ConfirmDeletion: held.Digest}
}

// TestNeverDeletesInDoubt: no sequence of failures deletes an application that
// a complete answer would have kept; and when the failures end, the set has
// exactly what a complete answer gives.
func TestNeverDeletesInDoubt(t *testing.T) {
	t.Parallel()
	deleted := 0
	for seed := range uint64(1000) {
		f := &fuzzed{t: t, rand: rand.New(rand.NewPCG(seed, 2)), now: noon(), owned: map[string]v1alpha1.Application{}, confirmed: map[string]bool{}, project: true}
		f.set = &v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "trueup", UID: "uid-of-shop", Generation: 1}}
		if f.maybe(50) { // its owner wants to be asked about nothing that is certain
			f.set.Spec.SyncPolicy = &v1alpha1.ApplicationSetSyncPolicy{DeletionBudget: &v1alpha1.DeletionBudget{Percent: new(int32(100))}}
		}
		for i := range 1 + f.rand.IntN(3) {
			s := &source{path: fmt.Sprintf("generators[%d]", i), verified: f.maybe(40), has: map[string]bool{}, questions: 1}
			if !s.verified && f.maybe(50) {
				s.path, s.questions = s.path+".matrix.generators[1].plugin", 3
			}
			f.sources = append(f.sources, s)
		}
		for range 40 {
			if f.maybe(40) {
				f.change()
			}
			before := len(f.owned)
			f.look(30, 15)
			deleted += max(before-len(f.owned), 0)
			if f.maybe(20) {
				f.confirm()
			}
			f.now = f.now.Add(time.Minute)
		}
		f.project = true
		for range 6 {
			f.look(0, 0)
			f.confirm()
			f.now = f.now.Add(time.Minute)
		}
		want := slices.Sorted(maps.Keys(f.truth()))
		if got := slices.Sorted(maps.Keys(f.owned)); !slices.Equal(got, want) {
			t.Fatalf("seed %d: the set ends with %v, and a complete answer gives %v\nheld: %+v\n%s", seed, got, want, f.set.Status.Held, strings.Join(f.log, "\n"))
		}
		status := f.set.DeepCopy().Status
		p := f.look(0, 0)
		if !p.Empty() || p.Held != nil || fmt.Sprint(status.Generators) != fmt.Sprint(f.set.Status.Generators) {
			t.Fatalf("seed %d: the set is not at rest: %+v", seed, p)
		}
	}
	if deleted < 300 {
		t.Errorf("only %d applications were deleted: the test proves nothing", deleted)
	}
}
