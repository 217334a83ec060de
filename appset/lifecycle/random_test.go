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
	"github.com/trueup-dev/trueup/appset/filter"
	"github.com/trueup-dev/trueup/appset/lifecycle"
)

// source is a generator of the simulated world.
type source struct {
	path       string
	kind       kind
	verified   bool            // its empty answers can be trusted
	blind      bool            // nobody can be asked about single pull requests
	has        map[string]bool // what a complete answer gives
	name       string          // what its path ends in
	repository string          // what it lists the pull requests of
}

type kind int

const (
	plain kind = iota
	// matrix is asked several questions, parts puts its answer together of
	// several objects, pulls lists pull requests.
	matrix
	parts
	pulls
)

// groups are the questions or objects of a generator; group is the one that a
// name belongs to.
const groups = 3

func group(name string) int { return int(name[len(name)-1]) % groups }

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
	moved     int
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

// move puts a list before the first generator of the document, or takes it away
// again: generators take each other's places.
func (f *fuzzed) move() {
	f.moved = 1 - f.moved
	f.place()
	f.set.Generation++
	f.note("the generators move by %d", f.moved)
}

func (f *fuzzed) place() {
	for i, s := range f.sources {
		s.path = fmt.Sprintf("generators[%d].%s", i+f.moved, s.name)
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
		answer, names, err := f.ask(s, failing)
		if err != nil {
			return appset.Result{}, err
		}
		for _, name := range names {
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
		out.Answers = append(out.Answers, answer)
	}
	return out, nil
}

// ask gives the answer of one generator, and the names in it.
func (f *fuzzed) ask(s *source, failing int) (answer appset.Answer, names []string, err error) {
	answer = appset.Answer{Path: s.path, Verified: s.verified}
	names = slices.Sorted(maps.Keys(s.has))
	switch s.kind {
	case pulls:
		names, err = f.confirm(s, &answer, slices.DeleteFunc(names, func(string) bool { return f.maybe(failing / 3) }))
	case parts:
		names = f.decided(s, &answer, names, failing)
	case matrix:
		names = f.asked(s, &answer, names, failing)
	case plain:
	}
	if err == nil && s.kind != pulls && !s.verified && f.maybe(failing) {
		f.note("%s answers nothing", s.path)
		answer = appset.Answer{Path: s.path}
		names = nil
	}
	if err == nil && len(names) == 0 && !answer.Verified && len(answer.Empty) == 0 {
		answer.Empty = []string{"of " + s.repository}
	}
	answer.ParameterSets = len(names)
	return answer, names, err
}

// asked leaves out the answers to some questions of a matrix.
func (f *fuzzed) asked(s *source, answer *appset.Answer, names []string, failing int) []string {
	var out []string
	for q := range groups {
		silent, empty := f.maybe(failing/3), true
		if silent {
			f.note("%s answers nothing to question %d", s.path, q)
		}
		for _, name := range names {
			if !silent && group(name) == q {
				out, empty = append(out, name), false
			}
		}
		if empty {
			answer.Empty = append(answer.Empty, fmt.Sprintf("question-%d", q))
		}
	}
	slices.Sort(out)
	return out
}

// decided leaves out what some objects decide, and says so. One never decides.
func (f *fuzzed) decided(s *source, answer *appset.Answer, names []string, failing int) []string {
	var out []string
	for q := range groups {
		silent := f.maybe(failing / 3)
		if silent {
			f.note("%s lacks the decision %d", s.path, q)
			answer.Lacks = append(answer.Lacks, fmt.Sprintf("decision-%d", q))
		}
		for _, name := range names {
			if !silent && group(name) == q {
				out = append(out, name)
			}
		}
	}
	answer.Lacks = append(answer.Lacks, "decision-never")
	answer.Verified = false
	slices.Sort(out)
	return out
}

// confirm does what the generator of pull requests does with those that a list
// lacks: it asks for each, where it can.
func (f *fuzzed) confirm(s *source, answer *appset.Answer, listed []string) ([]string, error) {
	before, known := filter.Given(&f.set.Status, s.path, s.repository)
	answer.Verified = known
	for _, n := range before {
		name := fmt.Sprintf("app-%d", n)
		switch {
		case slices.Contains(listed, name):
		case s.blind:
			answer.Verified = false
			answer.Lacks = append(answer.Lacks, name)
		case s.has[name]:
			f.note("%s lacks %s, which is open", s.path, name)
			return nil, errors.New("the list is not whole")
		}
	}
	given := v1alpha1.RepositoryPullRequests{Repository: s.repository}
	for _, name := range listed {
		var n int64
		if _, err := fmt.Sscanf(name, "app-%d", &n); err != nil {
			return nil, err
		}
		given.Numbers = append(given.Numbers, n)
	}
	slices.Sort(given.Numbers)
	answer.PullRequests = []v1alpha1.RepositoryPullRequests{given}
	return listed, nil
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
		f.set.Status.Generators, f.set.Status.DeletionWindow = p.Generators, p.Window
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

// agree is a person who looks at what is held and lets it go, where it is
// gone indeed.
func (f *fuzzed) agree() {
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
			s := &source{repository: fmt.Sprintf("shop/web-%d", i), has: map[string]bool{}, kind: kind(f.rand.IntN(4)), blind: f.maybe(20)}
			switch s.kind {
			case plain:
				s.name, s.verified = "plugin", f.maybe(60)
			case matrix:
				s.name = "matrix.generators[1].plugin"
			case parts:
				s.name = "clusterDecisionResource"
			case pulls:
				s.name = "pullRequest"
			}
			f.sources = append(f.sources, s)
		}
		f.place()
		for range 40 {
			if f.maybe(40) {
				f.change()
			}
			if f.maybe(10) {
				f.move()
			}
			before := len(f.owned)
			f.look(30, 15)
			deleted += max(before-len(f.owned), 0)
			if f.maybe(20) {
				f.agree()
			}
			f.now = f.now.Add(time.Minute)
		}
		f.project = true
		for range 6 {
			f.look(0, 0)
			f.agree()
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
