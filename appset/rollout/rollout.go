package rollout

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// State is where an application is in a rollout.
type State string

// The states, under Argo CD's names.
const (
	// Waiting for its step, or for a place in it.
	Waiting State = "Waiting"
	// Pending: a sync was asked for, and has not begun.
	Pending State = "Pending"
	// Progressing: it syncs, or is not healthy yet, or failed and is tried again.
	Progressing State = "Progressing"
	// Healthy: it is as its target says.
	Healthy State = "Healthy"
)

// Sight is what is seen of an application.
type Sight string

// The closed set of sights, as Look finds them.
const (
	// Stale: its status is about another spec than it has, or about an older
	// commit than there is.
	Stale Sight = "Stale"
	// Unknown: it cannot be compared.
	Unknown Sight = "Unknown"
	// Requested: somebody asked for a sync that has not begun.
	Requested Sight = "Requested"
	// Running: a sync is under way.
	Running Sight = "Running"
	// Done: synced and healthy.
	Done Sight = "Done"
	// Unhealthy: synced, and not healthy.
	Unhealthy Sight = "Unhealthy"
	// Differs: not synced.
	Differs Sight = "Differs"
)

// Application is what the machine looks at.
type Application struct {
	Name   string
	Labels map[string]string
	Sight  Sight
	// Health is the application's, for messages.
	Health string
	// Target is what it is to become: revisions, and a digest of the objects.
	Revisions []string
	Digest    string
	// Last is the sync that ran last; the zero value is none.
	Last Operation
	// SelfHeal has drift of the target itself synced away.
	SelfHeal bool
	// Retry bounds the time between attempts; zero values are the defaults.
	Retry Backoff
}

// Operation is a sync that began.
type Operation struct {
	Failed            bool
	Message           string
	Started, Finished time.Time
}

// Backoff doubles the wait from Base up to Max.
type Backoff struct{ Base, Max time.Duration }

// The wait between attempts where the application names none.
const (
	DefaultBase = 5 * time.Second
	DefaultMax  = 3 * time.Minute
	// settled is how long a target must have been in place before drift of it
	// counts as the first one again.
	settled = 5 * time.Minute
)

func (b Backoff) wait(attempts int64) time.Duration {
	out, most := cmp.Or(b.Base, DefaultBase), cmp.Or(b.Max, DefaultMax)
	for range attempts - 1 {
		if out >= most {
			break
		}
		out *= 2
	}
	return min(out, most)
}

// Input is all that a step of the rollout depends on.
type Input struct {
	Strategy     *v1alpha1.ApplicationSetStrategy
	Applications []Application
	Previous     []v1alpha1.ApplicationSetApplicationStatus
	Now          time.Time
}

// Output is what to store and what to do.
type Output struct {
	// Applications are sorted by step and name; those in no step come last.
	Applications []v1alpha1.ApplicationSetApplicationStatus
	// Sync names the applications to ask for a sync. The states say that it was
	// asked for: they must be stored first.
	Sync []string
	// After is when to look again even if nothing happens; 0 is never.
	After time.Duration
	// Progressing says that a step is not done.
	Progressing bool
	Message     string
}

// Next computes the states from the last ones and from what is seen now.
func Next(in Input) Output {
	steps := in.Strategy.RollingSync.Steps
	before := map[string]v1alpha1.ApplicationSetApplicationStatus{}
	for _, p := range in.Previous {
		before[p.Application] = p
	}
	apps := slices.SortedFunc(slices.Values(in.Applications), func(a, b Application) int { return cmp.Compare(a.Name, b.Name) })
	members := make([][]*place, len(steps))
	var outside []*place
	for i := range apps {
		p := &place{app: &apps[i], now: in.Now}
		p.enter(before)
		if s := StepOf(steps, apps[i].Labels); s >= 0 {
			p.next.Step = strconv.Itoa(s + 1)
			members[s] = append(members[s], p)
		} else {
			p.next.Step = "-1"
			outside = append(outside, p)
		}
	}
	var out Output
	open := true
	for s, all := range members {
		if open {
			out.admit(all, steps[s].MaxUpdate)
		}
		healthy := 0
		for _, p := range all {
			if p.healthy() {
				healthy++
			} else if !open && State(p.next.Status) == Waiting && p.app.Sight == Differs {
				p.next.Message = "waits until every application of the earlier steps is healthy"
			}
			out.take(p)
		}
		if open && healthy < len(all) {
			open, out.Progressing = false, true
			out.Message = fmt.Sprintf("step %d of %d: %d of %d applications are healthy", s+1, len(steps), healthy, len(all))
		}
	}
	for _, p := range outside {
		if p.ready {
			p.next.Message = "not synced: it is in no step"
		}
		out.take(p)
	}
	if !out.Progressing {
		out.Message = fmt.Sprintf("all %d steps are done", len(steps))
	}
	return out
}

func (o *Output) take(p *place) {
	if p.next.Status != p.old.Status || p.asked {
		p.next.LastTransitionTime = new(metav1.NewTime(p.now.UTC().Truncate(time.Second)))
	}
	o.Applications = append(o.Applications, p.next)
}

// admit asks for the syncs that a step has room for. Those that hold a place
// already are tried again without needing another.
func (o *Output) admit(all []*place, limit *intstr.IntOrString) {
	room := Room(limit, len(all))
	for _, p := range all {
		if s := State(p.next.Status); s == Pending || s == Progressing {
			room--
		}
	}
	for _, p := range all {
		if !p.ready {
			continue
		}
		holds := State(p.next.Status) != Waiting
		if !holds && room <= 0 {
			p.next.Message = "waits for a place in its step: maxUpdate"
			continue
		}
		if left := p.due.Sub(p.now); left > 0 {
			o.later(left)
			continue
		}
		if !holds {
			room--
		}
		p.ask()
		o.Sync = append(o.Sync, p.app.Name)
	}
}

func (o *Output) later(d time.Duration) {
	if o.After == 0 || d < o.After {
		o.After = d
	}
}

// DeletionOrder groups the names of applications in the order in which they
// are to go: those in no step, then the steps from the last to the first.
func DeletionOrder(strategy *v1alpha1.ApplicationSetStrategy, labels map[string]map[string]string) [][]string {
	steps := strategy.RollingSync.Steps
	groups := make([][]string, len(steps)+1)
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		s := StepOf(steps, labels[name])
		groups[s+1] = append(groups[s+1], name)
	}
	out := [][]string{groups[0]}
	for i := len(steps); i > 0; i-- {
		out = append(out, groups[i])
	}
	return slices.DeleteFunc(out, func(g []string) bool { return len(g) == 0 })
}
