package reconcile

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile/doubt"
)

// Trials ask a cluster what applying would give.
type Trials interface {
	// Try returns the object as the cluster would store it, and changes
	// nothing. A fault.Denied says that it must not be asked.
	Try(ctx context.Context, u *unstructured.Unstructured) (*unstructured.Unstructured, error)
}

// settled is a verdict with what the cluster itself says about what is in
// doubt. What was just applied says it without being asked. again: nobody
// could be asked now, and somebody may be later.
func (j judge) settled(ctx context.Context, in drift.Input, verdict drift.Object, pair pair) (settled drift.Object, again bool) {
	if verdict.State != drift.Modified || pair.want == nil || pair.live == nil {
		return verdict, false
	}
	now, key := j.flow.Now(), verdict.Key()
	q := doubt.Question{Desired: j.desired.stamp(key), Version: pair.live.GetResourceVersion()}
	if j.applied {
		a := doubt.Stored(q, now, verdict)
		j.mem.answer(key, a)
		return a.Settle(verdict), false
	}
	typed := in.Schemas != nil && in.Schemas.Kind(pair.want.GroupVersionKind()) != nil
	if !doubt.In(verdict, typed) {
		return verdict, false
	}
	if a := j.mem.answers[key]; a.Answers(q, now, verdict, typed) {
		return a.Settle(verdict), false
	}
	// What Git has changed since the last sync is what a sync is for.
	if j.cluster.Trials == nil || j.mem.attempt.Revision != j.desired.Digest {
		return verdict, false
	}
	u := pair.want
	if other := j.toApply(verdict, pair); other != nil {
		u = other
	}
	stored, err := j.cluster.Trials.Try(ctx, u.DeepCopy())
	if err != nil {
		a := doubt.Refused(q, now, err.Error())
		if again = fault.Retryable(err); !again {
			j.mem.answer(key, a)
		}
		return a.Settle(verdict), again
	}
	in.Desired, in.Live = []*unstructured.Unstructured{pair.want}, []*unstructured.Unstructured{stored}
	for _, o := range drift.Compare(in).Objects {
		if o.Key() == key && o.State != drift.Unknown {
			a := doubt.Stored(q, now, o)
			j.mem.answer(key, a)
			return a.Settle(verdict), false
		}
	}
	return verdict, false
}

// answer remembers what a cluster said, or that it was not to be asked.
func (m *Memory) answer(key object.Key, a doubt.Answer) {
	if m.answers == nil {
		m.answers = map[object.Key]doubt.Answer{}
	}
	m.answers[key] = a
}

// restless reports whether something must be looked at again.
func (v *View) restless() bool {
	return len(v.unwatched) > 0 || slices.ContainsFunc(v.keys(), func(key object.Key) bool { return v.seen[key].again })
}
