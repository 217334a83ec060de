package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/health"
	"github.com/trueup-dev/trueup/internal/object"
)

// Unwatched says why objects of a kind cannot be watched, while others can.
type Unwatched struct {
	Kind schema.GroupVersionKind
	Err  error
}

func (u *Unwatched) Error() string {
	return fmt.Sprintf("%s cannot be watched: %v", u.Kind.GroupKind(), u.Err)
}

func (u *Unwatched) Unwrap() error { return u.Err }

// unwatched takes from what Owned returned the kinds that it could not watch.
// Any other failure is returned as it is.
func unwatched(err error) (map[schema.GroupKind]*Unwatched, error) {
	out := map[schema.GroupKind]*Unwatched{}
	var other func(err error) bool
	other = func(err error) bool {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			return slices.ContainsFunc(joined.Unwrap(), other)
		}
		var kind *Unwatched
		if errors.As(err, &kind) {
			out[kind.Kind.GroupKind()] = kind
		}
		return kind == nil && err != nil
	}
	if other(err) {
		return nil, err
	}
	return out, nil
}

// unreadable are the objects that could not be read, each with the reason.
type unreadable map[object.Key]error

// failure joins the reasons, where they say more about the cluster than about
// the objects: nothing of what was asked could be read, the same may work
// later, and it is not only what could not be read before.
func (u unreadable) failure(asked []object.Key, mem *Memory) error {
	known := mem.snapshot()
	news := slices.ContainsFunc(asked, func(key object.Key) bool { return known[key].verdict.State != drift.Unknown })
	if len(u) < len(asked) || !news {
		return nil
	}
	var all []error
	for _, key := range u.keys() {
		var answered *Answered
		if fault.Of(u[key]) != fault.Transient || errors.As(u[key], &answered) {
			return nil
		}
		all = append(all, fmt.Errorf("%s: %w", key, u[key]))
	}
	return errors.Join(all...)
}

func (u unreadable) keys() []object.Key {
	out := make([]object.Key, 0, len(u))
	for key := range u {
		out = append(out, key)
	}
	slices.SortFunc(out, object.Key.Compare)
	return out
}

// Answered marks a failure that a cluster which is there told of one request:
// it says nothing about others.
type Answered struct{ Err error }

func (a *Answered) Error() string { return a.Err.Error() }
func (a *Answered) Unwrap() error { return a.Err }

// unknown remembers that an object could not be compared. What was known of
// it before is kept, but for the verdict; it is read again at the next look.
func (m *Memory) unknown(key object.Key, desired, reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.seen[key]
	s.verdict, s.apply = drift.NotCompared(key, reason), nil
	if s.health.Status != health.Missing { // one that was not there may still not be
		s.health = health.Result{Status: health.Unknown}
	}
	s.health.Message = reason
	s.desired, s.again = desired, true
	if m.seen == nil {
		m.seen = map[object.Key]seen{}
	}
	m.seen[key] = s
}

// leftovers are the objects that the status lists of kinds that cannot be
// watched, and that Git does not describe: nothing else tells of them.
func leftovers(app *v1alpha1.Application, kinds map[schema.GroupKind]*Unwatched, described map[object.Key]string) map[object.Key]schema.GroupVersionKind {
	out := map[object.Key]schema.GroupVersionKind{}
	for _, r := range app.Status.Resources {
		key := resourceKey(r)
		if _, there := described[key]; there || kinds[key.GroupKind()] == nil || r.Version == "" {
			continue
		}
		out[key] = key.GroupKind().WithVersion(r.Version)
	}
	return out
}

// vague lists the objects that could not be compared, in the order of keys.
func (v *View) vague() []object.Key {
	var out []object.Key
	for _, key := range v.keys() {
		if v.seen[key].verdict.State == drift.Unknown {
			out = append(out, key)
		}
	}
	return out
}

// blindness says what could not be compared or watched, and why, a line for
// each; empty where everything could.
func (v *View) blindness() string {
	var lines []string
	for _, key := range v.vague() {
		lines = append(lines, key.Short()+": "+v.seen[key].verdict.Reason)
	}
	var kinds []string
	for _, u := range v.unwatched {
		kinds = append(kinds, u.Error()+"; it is compared at each look only")
	}
	slices.Sort(kinds)
	return strings.Join(append(lines, kinds...), "\n")
}

// held adds to drift what was open on objects that cannot be compared now: it
// is as open as it was.
func (m *Memory) held(v *View, all []Drift) []Drift {
	vague := v.vague()
	if len(vague) == 0 {
		return all
	}
	out := slices.Clone(all)
	for at, o := range m.open {
		if _, found := slices.BinarySearchFunc(vague, at.key, object.Key.Compare); !found {
			continue
		}
		d := Drift{Key: at.key, State: drift.Unknown}
		if at.path != "" {
			d.Field = fieldOf(o.change)
		}
		out = append(out, d)
	}
	slices.SortStableFunc(out, func(a, b Drift) int {
		return cmp.Or(a.Key.Compare(b.Key), cmp.Compare(a.path(), b.path()))
	})
	return out
}

// remembered settles a verdict and stores it. A panic over what the object
// holds makes it Unknown.
func (j judge) remembered(ctx context.Context, in drift.Input, verdict drift.Object, of pair) {
	key := verdict.Key()
	defer func() {
		if p := recover(); p != nil {
			j.mem.unknown(key, j.desired.stamp(key), fault.Panic("comparing it", p))
		}
	}()
	if verdict.State == drift.Unknown {
		j.mem.unknown(key, j.desired.stamp(key), verdict.Reason)
		return
	}
	verdict, again := j.settled(ctx, in, verdict, of)
	j.remember(verdict, again, of)
}

// mine leaves out of what was read the leftovers that are not the
// application's any more.
func (f *Flow) mine(app *v1alpha1.Application, live []*unstructured.Unstructured, left map[object.Key]schema.GroupVersionKind) []*unstructured.Unstructured {
	return slices.DeleteFunc(live, func(u *unstructured.Unstructured) bool {
		if _, listed := left[object.KeyOf(u)]; !listed {
			return false
		}
		owner, ok := object.OwnerOf(u)
		return !ok || owner != f.ID(app)
	})
}

// reread has the objects of kinds read again that nothing tells of.
func (m *Memory) reread(kinds map[schema.GroupKind]*Unwatched) {
	if len(kinds) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, s := range m.seen {
		if kinds[key.GroupKind()] != nil {
			s.again = true
			m.seen[key] = s
		}
	}
}

// lookAgain is when to try again what could not be compared, watched or
// asked: ever later, the longer it lasts. 0 is never.
func (m *Memory) lookAgain(v *View) time.Duration {
	if !v.restless() {
		m.vague = 0
		return 0
	}
	m.vague++
	return DefaultRetry().Wait(m.vague)
}

// wasNamespaced tells the scope of an object as the status has it. What is not
// in there is taken for namespaced, as most kinds are.
func wasNamespaced(app *v1alpha1.Application, key object.Key) bool {
	for _, r := range app.Status.Resources {
		if r.Group == key.Group && r.Kind == key.Kind && r.Name == key.Name && r.Namespace == "" {
			return false
		}
	}
	return true
}
