package rollout_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/rollout"
)

// deployed is an application of the simulated world.
type deployed struct {
	env                string
	target, applied    int
	stale, broken      bool // not compared yet; not healthy
	unknown            bool // cannot be compared
	requested, running bool
	heals              bool
	last               rollout.Operation
}

func (d *deployed) sight() rollout.Sight {
	switch {
	case d.requested:
		return rollout.Requested
	case d.running:
		return rollout.Running
	case d.stale:
		return rollout.Stale
	case d.unknown:
		return rollout.Unknown
	case d.target != d.applied:
		return rollout.Differs
	case d.broken:
		return rollout.Unhealthy
	}
	return rollout.Done
}

// simulation is a set with applications, and an agent that may lose any of
// its writes.
type simulation struct {
	t        *testing.T
	rand     *rand.Rand
	now      time.Time
	strategy *v1alpha1.ApplicationSetStrategy
	apps     map[string]*deployed
	stored   []v1alpha1.ApplicationSetApplicationStatus
	made     int
}

func (s *simulation) maybe(percent int) bool { return s.rand.IntN(100) < percent }

func (s *simulation) steps() {
	var steps []v1alpha1.ApplicationSetRolloutStep
	for _, env := range []string{"dev", "stage", "prod"}[:1+s.rand.IntN(3)] {
		var limit *intstr.IntOrString
		switch s.rand.IntN(3) {
		case 0:
			limit = new(intstr.FromInt32(1 + s.rand.Int32N(3)))
		case 1:
			limit = new(intstr.FromString(strconv.Itoa(1+s.rand.IntN(100)) + "%"))
		}
		steps = append(steps, step(env, limit))
	}
	s.strategy = strategy(steps...)
}

func (s *simulation) any() *deployed {
	for _, d := range s.apps { // any order will do: it is one of chance
		if s.maybe(40) {
			return d
		}
	}
	return &deployed{}
}

func (s *simulation) env() string { return []string{"dev", "stage", "prod", "none"}[s.rand.IntN(4)] }

// happen does one thing to the world.
func (s *simulation) happen() {
	switch s.rand.IntN(9) {
	case 0: // a commit, for some
		s.made++
		for _, d := range s.apps {
			if s.maybe(50) {
				d.target, d.stale = s.made, true
			}
		}
	case 1:
		d := s.any()
		d.broken = !d.broken
	case 2: // somebody edits what is live
		s.any().applied = -1
	case 3:
		d := s.any()
		d.unknown = !d.unknown
	case 4:
		s.any().env = s.env()
	case 5:
		s.made++
		s.apps[fmt.Sprintf("app-%d", s.made)] = &deployed{env: s.env(), target: s.made, stale: true, heals: s.maybe(50)}
	case 6:
		for name := range s.apps {
			delete(s.apps, name)
			break
		}
	case 7:
		s.steps()
	case 8: // somebody syncs by hand
		s.any().requested = true
	}
}

// work is what agents do with applications; failing is in percent.
func (s *simulation) work(failing int) {
	for _, d := range s.apps {
		switch {
		case d.running && s.maybe(60):
			d.running = false
			d.last.Finished = s.now
			if d.last.Failed = s.maybe(failing); d.last.Failed {
				d.last.Message = "no such kind"
			} else {
				d.applied = d.target
			}
		case d.requested && s.maybe(60):
			d.requested, d.running = false, true
			d.last = rollout.Operation{Started: s.now}
		case d.requested && s.maybe(failing): // refused, and nobody says so
			d.requested = false
		case d.stale && s.maybe(60):
			d.stale = false
		}
	}
}

// step has the agent look once; losing is the percentage of writes that are
// lost.
func (s *simulation) step(losing int) rollout.Output {
	in := rollout.Input{Strategy: s.strategy, Previous: s.stored, Now: s.now}
	for name, d := range s.apps {
		in.Applications = append(in.Applications, rollout.Application{
			Name: name, Labels: map[string]string{"env": d.env}, Sight: d.sight(), Digest: strconv.Itoa(d.target), Last: d.last, SelfHeal: d.heals,
		})
	}
	out := rollout.Next(in)
	s.check(out)
	if s.maybe(losing) {
		return out // the status could not be written: nothing else is done
	}
	s.stored = out.Applications
	for _, name := range out.Sync {
		if !s.maybe(losing) {
			s.apps[name].requested = true
		}
	}
	return out
}

// check holds what must be true of every step.
func (s *simulation) check(out rollout.Output) {
	steps := s.strategy.RollingSync.Steps
	states := map[string]v1alpha1.ApplicationSetApplicationStatus{}
	for _, a := range out.Applications {
		states[a.Application] = a
	}
	asked := map[int]int{}
	for _, name := range out.Sync {
		mine := rollout.StepOf(steps, map[string]string{"env": s.apps[name].env})
		if mine < 0 {
			s.t.Fatalf("%s is synced and in no step", name)
		}
		asked[mine]++
		for other, d := range s.apps {
			if at := rollout.StepOf(steps, map[string]string{"env": d.env}); at >= 0 && at < mine && states[other].Status != string(rollout.Healthy) {
				s.t.Fatalf("%s of step %d is synced while %s of step %d is %s", name, mine+1, other, at+1, states[other].Status)
			}
		}
	}
	busy, members := map[int]int{}, map[int]int{}
	for name, d := range s.apps {
		at := rollout.StepOf(steps, map[string]string{"env": d.env})
		members[at]++
		if st := rollout.State(states[name].Status); st == rollout.Pending || st == rollout.Progressing {
			busy[at]++
		}
	}
	held := map[string]bool{} // those that had a place before
	for _, a := range s.stored {
		held[a.Application] = (a.Status == string(rollout.Pending) || a.Status == string(rollout.Progressing)) && a.TargetDigest == states[a.Application].TargetDigest
	}
	fresh := map[int]int{}
	for _, name := range out.Sync {
		if !held[name] {
			fresh[rollout.StepOf(steps, map[string]string{"env": s.apps[name].env})]++
		}
	}
	for at, n := range fresh {
		if room := rollout.Room(steps[at].MaxUpdate, members[at]); n > room || busy[at] > room && n > 0 && busy[at]-n >= room {
			s.t.Fatalf("step %d: %d newly asked, %d under way, and there is room for %d", at+1, n, busy[at], room)
		}
	}
}

// TestNeverSticks drives a rollout through commits, failures, lost writes,
// edits of the set and of applications; once the world works again, the
// rollout ends with every application at its target.
func TestNeverSticks(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		s := &simulation{t: t, rand: rand.New(rand.NewPCG(seed, 1)), now: noon(), apps: map[string]*deployed{}}
		s.steps()
		for i := range 1 + s.rand.IntN(8) {
			s.apps[fmt.Sprintf("app-%d", i)] = &deployed{env: s.env(), target: 0, applied: -1, heals: s.maybe(50)}
		}
		for range 60 {
			if s.maybe(30) {
				s.happen()
			}
			s.work(30)
			s.step(10)
			s.now = s.now.Add(time.Duration(s.rand.IntN(20)) * time.Second)
		}
		for _, d := range s.apps {
			d.broken, d.unknown = false, false
		}
		var out rollout.Output
		for round := range 400 {
			s.work(0)
			out = s.step(0)
			if out.After > 0 && s.maybe(50) {
				s.now = s.now.Add(out.After)
			} else {
				s.now = s.now.Add(time.Second)
			}
			if !out.Progressing && len(out.Sync) == 0 && s.quiet() {
				break
			}
			if round == 399 {
				t.Fatalf("seed %d: the rollout sticks: %s\n%+v", seed, out.Message, out.Applications)
			}
		}
		for name, d := range s.apps {
			in := rollout.StepOf(s.strategy.RollingSync.Steps, map[string]string{"env": d.env}) >= 0
			if in && d.applied != d.target && d.applied != -1 {
				t.Fatalf("seed %d: %s is at %d, and its target is %d", seed, name, d.applied, d.target)
			}
			if in && d.heals && d.applied != d.target {
				t.Fatalf("seed %d: %s does not heal itself", seed, name)
			}
		}
	}
}

func (s *simulation) quiet() bool {
	for _, d := range s.apps {
		if d.requested || d.running || d.stale {
			return false
		}
	}
	return true
}
