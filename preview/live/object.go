package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/reconcile/doubt"
	"github.com/trueup-dev/trueup/reconcile/plan"
)

// object judges one object. The error says that the cluster is silent.
func (a *asking) object(ctx context.Context, t task) (preview.Judged, error) {
	v := preview.Judged{AppNamespace: t.app.Namespace, Application: t.app.Name, Action: t.action, Manual: !t.app.Spec.SyncPolicy.IsAutomated()}
	named := func() preview.Judged {
		v.Group, v.Kind, v.Namespace, v.Name = t.key.Group, t.key.Kind, t.key.Namespace, t.key.Name
		return v
	}
	if t.key.Name == "" {
		v.Verdict, v.Cause, v.Reason = preview.Rejected, preview.ByValidation, "it has no name of its own, which only hooks may go without"
		return named(), nil
	}
	namespaced, err := a.cluster.Kinds.Namespaced(ctx, t.gvk())
	if err == nil {
		t = t.in(namespaced)
	}
	switch {
	case fault.Of(err) == fault.Missing && a.world.kinds[t.key.GroupKind()]:
		v.Verdict, v.Cause, v.Reason = preview.Later, preview.ByKind, "its kind is created by this change"
		return named(), nil
	case fault.Of(err) == fault.Missing:
		v.Verdict, v.Cause, v.Reason = preview.Rejected, preview.ByKind, "the cluster does not serve "+t.gvk().GroupVersion().String()+" "+t.gvk().Kind
		if t.action == preview.Delete {
			v.Verdict = preview.NotJudged
		}
		return named(), nil
	case err != nil:
		err = a.unasked(&v, err, t.key.IsSecret())
		return named(), err
	}
	a.asked.Add(1)
	live, err := a.cluster.Objects.Get(ctx, t.gvk(), t.key)
	switch {
	case fault.Of(err) == fault.Missing:
		live = nil
	case err != nil:
		err = a.unasked(&v, err, t.key.IsSecret())
		return named(), err
	}
	if t.action == preview.Delete {
		err = a.deletion(ctx, t, live, &v)
	} else {
		err = a.change(ctx, t, live, &v)
	}
	return named(), err
}

// unasked says why nobody could be asked, or returns that the cluster is
// silent. What is secret is not quoted.
func (a *asking) unasked(v *preview.Judged, err error, secret bool) error {
	var unsafe *Unsafe
	switch s := statusOf(err); {
	case errors.As(err, &unsafe):
		note(v, preview.BySideEffect, unsafe.Reason)
	case fault.Of(err) == fault.Denied && s != nil:
		note(v, preview.ByPermission, permission(s.Message))
	case fault.Of(err) == fault.Denied:
		note(v, preview.ByPermission, err.Error())
	case !answered(err):
		return err
	case secret:
		note(v, preview.ByFailure, "the cluster cannot answer about it")
	default:
		note(v, preview.ByFailure, err.Error())
	}
	return nil
}

// deletion judges an object that head does not have any more.
func (a *asking) deletion(ctx context.Context, t task, live *unstructured.Unstructured, v *preview.Judged) error {
	if live == nil {
		v.Verdict, v.Reason = preview.AlreadySo, "it is gone already"
		return nil
	}
	if live.GetDeletionTimestamp() != nil {
		v.Verdict, v.Reason = preview.AlreadySo, "it is being deleted already"
		return nil
	}
	if why := t.stays(live); why != "" {
		v.Verdict, v.Reason = preview.Kept, why
		return nil
	}
	a.asked.Add(1)
	answer, err := a.cluster.Trials.Delete(ctx, t.gvk(), t.key, string(live.GetUID()))
	if err != nil {
		return a.unasked(v, err, t.key.IsSecret())
	}
	if answer.Refused != nil && answer.Refused.Reason != metav1.StatusReasonNotFound {
		a.refused(t, answer.Refused, t.key.IsSecret(), v)
		return nil
	}
	v.Verdict = preview.AsPredicted
	if f := live.GetFinalizers(); len(f) > 0 {
		v.Reason = "it goes once its finalizers are done: " + strings.Join(f, ", ")
	}
	return nil
}

// stays says why an object is not deleted; empty where it is.
func (t task) stays(live *unstructured.Unstructured) string {
	id := t.id
	if t.goes {
		id = t.was
	}
	switch owner, tracked := object.OwnerOf(live); {
	case tracked && owner != id:
		return "it belongs to the application " + owner
	case !tracked:
		return "no application tracks it"
	case t.kept == preview.MovedAway:
		return t.kept
	case t.goes && t.kept != "":
		return "the application stays, for " + t.kept
	case t.goes && !t.cascades:
		return "the application goes without its objects: it has no finalizer that asks for them"
	}
	in := plan.Input{App: id, Live: []*unstructured.Unstructured{live}, Policy: t.policy}
	if t.lasting != nil && !t.goes {
		in.Desired = []*unstructured.Unstructured{t.lasting}
	}
	p := plan.Make(in)
	for _, r := range p.Refusals {
		return r.Message
	}
	for _, step := range p.Steps {
		if step.Key == t.key && step.Action == plan.Keep {
			return step.Reason
		}
	}
	return ""
}

// owned tells whether an application tracks an object, and whether that is
// another one, which it says then.
func (t task) owned(live *unstructured.Unstructured, v *preview.Judged) (tracked, others bool) {
	owner, tracked := object.OwnerOf(live)
	switch {
	case !tracked || owner == t.id:
		return tracked, false
	case owner == t.was && t.goes && t.stays(live) == "":
		v.Verdict, v.Reason = preview.Later, "it is deleted with the application "+owner+", and made anew afterwards"
	default:
		v.Verdict, v.Cause, v.By = preview.Rejected, preview.ByOwner, owner
		v.Reason = "it belongs to the application " + owner + ", and no sync takes it away from there"
	}
	return true, true
}

// change judges an object that head describes.
func (a *asking) change(ctx context.Context, t task, live *unstructured.Unstructured, v *preview.Judged) error {
	tracked := false
	if live != nil {
		var others bool
		if tracked, others = t.owned(live, v); others {
			return nil
		}
	}
	if hasMarks(t.head) {
		note(v, preview.ByPermission, "its encrypted values stay closed until the change is merged")
		return nil
	}
	send, verdict := t.head, drift.Object{}
	in := drift.Input{Desired: []*unstructured.Unstructured{t.head}, Schemas: a.cluster.Schemas, MaskKey: a.MaskKey, Around: t.scalers}
	if live != nil {
		in.Live = []*unstructured.Unstructured{live}
		expects, err := t.expected(ctx, a.Flow)
		if err != nil {
			note(v, preview.ByFailure, "what may differ is not known: "+err.Error())
			return nil
		}
		in.Rules = expects.Rules
		verdict = compared(in, t.key)
		send = expects.Applied(t.head, live, verdict)
		if verdict.State == drift.Unknown {
			note(v, preview.ByFailure, "it cannot be compared: "+verdict.Reason)
			return nil
		}
	}
	v.Missing = live == nil && t.base != nil
	if live != nil && live.GetDeletionTimestamp() != nil {
		v.Verdict, v.Reason = preview.Later, "it is being deleted, and a sync waits until it is gone"
		return nil
	}
	takes := sides{removes: t.removes}.takes
	if live != nil && !slices.ContainsFunc(verdict.Fields, takes) {
		v.Verdict = preview.AlreadySo
		a.tell(t, in, verdict, !tracked, v)
		return nil
	}
	a.asked.Add(1)
	answer, err := a.cluster.Trials.Apply(ctx, send.DeepCopy())
	// Whoever checks sees what is merged into live, and may quote it.
	secret := t.key.IsSecret() || live != nil && !tracked
	switch {
	case err != nil:
		if err := a.unasked(v, err, secret); err != nil {
			return err
		}
	case answer.Refused != nil:
		a.refused(t, answer.Refused, secret, v)
	default:
		verdict = a.stored(t, in, verdict, answer.Stored, v)
	}
	if live != nil {
		a.tell(t, in, verdict, !tracked, v)
	}
	conclude(v)
	return nil
}

// compared is the verdict on one object.
func compared(in drift.Input, key object.Key) drift.Object {
	for _, o := range drift.Compare(in).Objects {
		if o.Key() == key {
			return o
		}
	}
	return drift.NotCompared(key, "the cluster has it under another name")
}

// stored takes in what the cluster would store: what it makes of head by
// itself is no difference that a sync takes away.
func (a *asking) stored(t task, in drift.Input, verdict drift.Object, stored *unstructured.Unstructured, v *preview.Judged) drift.Object {
	in.Live = []*unstructured.Unstructured{stored}
	o := compared(in, t.key)
	if o.State == drift.Unknown {
		return verdict
	}
	for _, f := range o.Fields {
		if f.ToSync() && (t.base == nil || slices.ContainsFunc(t.touched, func(p string) bool { return related(p, f.Path) })) {
			v.Stored = append(v.Stored, preview.Field{Path: f.Path, Before: f.Desired, After: f.Live})
		}
	}
	const most = 5
	v.Stored = v.Stored[:min(len(v.Stored), most)]
	return doubt.Stored(doubt.Question{}, a.Now(), o).Settle(verdict)
}

// tell adds what of live is lost, and what differs from base besides.
func (a *asking) tell(t task, in drift.Input, verdict drift.Object, hidden bool, v *preview.Judged) {
	s := sides{head: verdict, touched: t.touched, known: a.known.of(t.app), hidden: hidden, removes: t.removes}
	if t.base != nil {
		if s.touched == nil {
			s.touched = []string{}
		}
		in.Desired = []*unstructured.Unstructured{t.base}
		base := compared(in, t.key)
		s.base = &base
	}
	lost, drifts := s.edits()
	v.Overwrites, v.More = lost[:min(len(lost), maxEdits)], max(0, len(lost)-maxEdits)
	v.Drifts, v.Drifted = drifts[:min(len(drifts), maxDrifts)], len(drifts)
}

// refused says what a refusal means for the change. Of what is secret the text
// is not told.
func (a *asking) refused(t task, s *metav1.Status, secret bool, v *preview.Judged) {
	r := read(s, secret)
	v.Verdict, v.Cause, v.By, v.Paths, v.Reason = r.verdict, r.cause, r.by, r.paths, r.reason
	switch {
	case r.cause == preview.ByNamespace && a.world.namespaces[r.by]:
		v.Verdict, v.Reason = preview.Later, "the namespace "+r.by+" is created by this change"
	case r.cause == preview.ByImmutable && (t.force || plan.OptionOf(t.head, "Force") == "true"):
		v.Verdict = preview.Recreate
		v.Reason = fmt.Sprintf("%s; Force=true asks for it to be deleted and made anew, which a sync of trueup leaves to somebody", v.Reason)
	}
}

// note says why nobody could be asked.
func note(v *preview.Judged, cause preview.Cause, why string) {
	v.Verdict, v.Cause, v.Reason = preview.NotJudged, cause, oneLine(why)
}

// conclude names the gravest of what was found.
func conclude(v *preview.Judged) {
	switch {
	case v.Verdict == preview.Rejected || v.Verdict == preview.Recreate:
	case len(v.Overwrites) > 0:
		v.Verdict = preview.Overwrite
	case v.Verdict != "":
	case v.Missing || v.Drifted > 0:
		v.Verdict = preview.Drifted
	case len(v.Stored) > 0:
		v.Verdict = preview.Altered
	default:
		v.Verdict = preview.AsPredicted
	}
}
