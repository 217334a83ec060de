package lifecycle

import (
	"cmp"
	"context"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/ignore"
)

// Input is all that a plan depends on. Nothing of it is changed.
type Input struct {
	// Set is the set with the status that was written last.
	Set *v1alpha1.ApplicationSet
	// Owned are the applications that the set controls.
	Owned []v1alpha1.Application
	// Others are applications of the set's namespace that it does not control,
	// by name; only those under the wanted names matter.
	Others map[string]v1alpha1.Application
	// Result is what the set expands to, Err why it does not.
	Result appset.Result
	Err    error
	Known  Known
	Agent  Agent
	Now    time.Time
}

// Known is what applications may name. What is nil is not checked.
type Known struct {
	// Projects are the names of those that exist.
	Projects map[string]bool
	Clusters []appset.Cluster
}

// Plan is what to do with the applications of a set, each list by name.
type Plan struct {
	Create []v1alpha1.Application
	Update []Update
	Delete []v1alpha1.Application
	// Kept are the set's applications that are not as the set wants them, and
	// stay so.
	Kept []Kept
	// Held are deletions that wait for a confirmation; nil is none. They are
	// among Kept too.
	Held *v1alpha1.HeldDeletion
	// Rejected are applications that were wanted and cannot be: those of the
	// expansion, and those that name what is not there or not the set's.
	Rejected []appset.Rejection
	// Generators are the answers to remember. They must be stored before
	// anything else is done: an application is never older than the memory of
	// what it comes from.
	Generators []v1alpha1.GeneratorStatus
	// Window is to be stored with Generators: what was deleted without it would
	// not be counted.
	Window *v1alpha1.DeletionWindow
	// Confirmed says that Delete is what somebody confirmed.
	Confirmed bool
	// Spent is the confirmation to take off the set: what it names is done, or
	// is not what waits.
	Spent string
	// Err is what kept everything from being done: the expansion's error, or
	// one of the set itself.
	Err error
}

// Update turns one application into another.
type Update struct{ From, To v1alpha1.Application }

// Kept is an application that stays as it is.
type Kept struct {
	Name string
	// Action is what the set would do: update or delete.
	Action string
	Reason string
}

// Empty reports whether there is nothing to write to applications.
func (p *Plan) Empty() bool { return len(p.Create)+len(p.Update)+len(p.Delete) == 0 }

// Make plans. The context bounds the jq expressions of the set.
func Make(ctx context.Context, in Input) Plan {
	set := in.Set
	ignores, err := settings(set)
	if err == nil {
		err = in.Err
	}
	p := Plan{Rejected: slices.Clone(in.Result.Rejected), Generators: set.Status.Generators, Held: set.Status.Held, Window: set.Status.DeletionWindow, Err: err}
	if err != nil {
		return p
	}
	m := maker{in: in, ignores: ignores, plan: &p, wanted: map[string]bool{}, have: map[string]*v1alpha1.Application{}, policy: in.Agent.policyOf(set)}
	for i := range in.Owned {
		m.have[in.Owned[i].Name] = &in.Owned[i]
	}
	m.answers = answers(set, in.Result)
	for i := range in.Result.Applications {
		m.want(ctx, &in.Result.Applications[i])
	}
	m.delete()
	p.Generators = m.remember()
	byName := func(a, b v1alpha1.Application) int { return cmp.Compare(a.Name, b.Name) }
	slices.SortFunc(p.Create, byName)
	slices.SortFunc(p.Delete, byName)
	slices.SortFunc(p.Update, func(a, b Update) int { return cmp.Compare(a.To.Name, b.To.Name) })
	slices.SortFunc(p.Kept, func(a, b Kept) int { return cmp.Compare(a.Name, b.Name) })
	return p
}

// maker makes one plan.
type maker struct {
	in      Input
	ignores ignore.Rules
	plan    *Plan
	// wanted are the names that must not be deleted.
	wanted map[string]bool
	have   map[string]*v1alpha1.Application
	policy policy
	// answers are the expansion's, and what came of each generator at the top.
	answers []appset.Answer
}

func (m *maker) keep(name, action, reason string) {
	m.plan.Kept = append(m.plan.Kept, Kept{Name: name, Action: action, Reason: reason})
}

func (m *maker) reject(name string, err error) {
	m.plan.Rejected = append(m.plan.Rejected, appset.Rejection{Name: name, Err: err})
}

// want creates or updates one application.
func (m *maker) want(ctx context.Context, app *v1alpha1.Application) {
	set := m.in.Set
	m.wanted[app.Name] = true
	if err := check(app, m.in.Known); err != nil {
		m.reject(app.Name, err)
		return
	}
	want := shaped(set, app)
	old, ok := m.have[app.Name]
	if !ok {
		other, ok := m.in.Others[app.Name]
		if !ok {
			m.plan.Create = append(m.plan.Create, want)
			return
		}
		if err := mayAdopt(set, &other, &want); err != nil {
			m.reject(app.Name, err)
			return
		}
		old = &other
	}
	if !old.DeletionTimestamp.IsZero() {
		m.keep(app.Name, "update", "it is being deleted, and is created anew when it is gone")
		return
	}
	next, changed, err := updated(ctx, set, m.ignores, old, &want)
	switch {
	case err != nil:
		m.reject(app.Name, err)
	case !changed:
	case !m.policy.update:
		m.keep(app.Name, "update", m.policy.reason)
	default:
		m.plan.Update = append(m.plan.Update, Update{From: *old, To: next})
	}
}

// controller is the owner reference of a set.
func controller(set *v1alpha1.ApplicationSet) metav1.OwnerReference {
	return *metav1.NewControllerRef(set, v1alpha1.GroupVersion().WithKind("ApplicationSet"))
}
