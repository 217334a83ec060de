package lifecycle

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/health"
)

// The conditions of a set: Argo CD's, and DeletionHeld, which is there only
// while it is true.
const (
	ErrorOccurred       = "ErrorOccurred"
	ParametersGenerated = "ParametersGenerated"
	ResourcesUpToDate   = "ResourcesUpToDate"
	RolloutProgressing  = "RolloutProgressing"
	DeletionHeld        = "DeletionHeld"
)

// Outcome is what became of a plan.
type Outcome struct {
	// Failed joins what could not be written.
	Failed error
	// Rollout is nil where the set does not sync step by step.
	Rollout *Rollout
}

// Rollout is how far the steps are.
type Rollout struct {
	Applications []v1alpha1.ApplicationSetApplicationStatus
	Progressing  bool
	Message      string
}

// Status tells what a plan found and what became of it. What did not change
// keeps its times, so that a set at rest has the same status every time.
func Status(in Input, p *Plan, o Outcome) v1alpha1.ApplicationSetStatus {
	out := *in.Set.Status.DeepCopy()
	out.ObservedGeneration = in.Set.Generation
	out.Generators = p.Generators
	out.Held, out.DeletionWindow = p.Held, p.Window
	if p.Confirmed {
		out.Held = in.Set.Status.Held // until all of it is gone
	}
	all := resources(in.Owned, p)
	out.ResourcesCount = int64(len(all))
	out.Resources = all[:min(len(all), v1alpha1.MaxSetResources)]
	switch {
	case o.Rollout != nil:
		out.ApplicationStatus = o.Rollout.Applications
	case in.Set.Malformed == "": // else its steps may be what cannot be read
		out.ApplicationStatus = nil
	}
	c := conditions{set: in.Set, into: &out.Conditions, now: metav1.NewTime(in.Now.UTC().Truncate(time.Second))}
	c.tell(in, p, o)
	out.Health = healthOf(in.Set.Status.Health, out.Conditions, all, c.now)
	return out
}

// resources are the set's applications once the plan is done.
func resources(owned []v1alpha1.Application, p *Plan) []v1alpha1.ResourceStatus {
	gone := map[string]bool{}
	for _, app := range p.Delete {
		gone[app.Name] = len(app.Finalizers) == 0
	}
	var out []v1alpha1.ResourceStatus
	told := map[string]bool{}
	add := func(app *v1alpha1.Application) {
		if gone[app.Name] || told[app.Name] {
			return
		}
		told[app.Name] = true
		out = append(out, v1alpha1.ResourceStatus{
			Group: v1alpha1.GroupVersion().Group, Version: v1alpha1.GroupVersion().Version, Kind: "Application", Namespace: app.Namespace, Name: app.Name,
			Status: app.Status.Sync.Status, Health: app.Status.Health.Status,
		})
	}
	for i := range owned {
		add(&owned[i])
	}
	for i := range p.Create {
		add(&p.Create[i])
	}
	for i := range p.Update {
		add(&p.Update[i].To) // those that were taken over
	}
	slices.SortFunc(out, func(a, b v1alpha1.ResourceStatus) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

type conditions struct {
	set  *v1alpha1.ApplicationSet
	into *[]metav1.Condition
	now  metav1.Time
}

// maxMessage bounds a condition's text: the API allows 32 KiB.
const maxMessage = 8 << 10

func (c conditions) put(kind string, is bool, reason, message string) {
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "…"
	}
	status := metav1.ConditionFalse
	if is {
		status = metav1.ConditionTrue
	}
	apimeta.SetStatusCondition(c.into, metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: message, ObservedGeneration: c.set.Generation, LastTransitionTime: c.now,
	})
}

func (c conditions) tell(in Input, p *Plan, o Outcome) {
	acted := int64(0)
	if old := apimeta.FindStatusCondition(*c.into, ResourcesUpToDate); old != nil {
		acted = old.ObservedGeneration
	}
	reason, failure := "ApplicationSetUpToDate", error(nil)
	switch {
	case p.Err != nil:
		reason, failure = "ExpansionFailed", p.Err
	case o.Failed != nil:
		reason, failure = "WriteFailed", errors.Join(o.Failed, rejections(p))
	case len(p.Rejected) > 0:
		reason, failure = "ApplicationsRejected", rejections(p)
	}
	summary := fmt.Sprintf("%d applications", len(in.Result.Applications))
	if failure != nil {
		c.put(ErrorOccurred, true, reason, failure.Error())
	} else {
		c.put(ErrorOccurred, false, reason, summary)
	}
	if p.Err != nil {
		c.put(ParametersGenerated, false, reason, p.Err.Error())
		c.put(ResourcesUpToDate, false, reason, "nothing is created, updated or deleted while the set does not expand")
		apimeta.FindStatusCondition(*c.into, ResourcesUpToDate).ObservedGeneration = acted
		return
	}
	c.put(ParametersGenerated, true, "ParametersGenerated", strings.Join(append([]string{summary}, in.Result.Warnings...), "; "))
	if p.Held != nil {
		c.put(DeletionHeld, true, "ConfirmationNeeded", heldMessage(c.set, p.Held))
		if failure == nil {
			reason = DeletionHeld
		}
	} else {
		apimeta.RemoveStatusCondition(c.into, DeletionHeld)
	}
	c.put(ResourcesUpToDate, failure == nil && p.Held == nil, reason, cmp.Or(keptMessage(p.Kept), "every application is as the set wants it"))
	if o.Rollout == nil {
		apimeta.RemoveStatusCondition(c.into, RolloutProgressing)
		return
	}
	step := "ApplicationSetRolloutComplete"
	if o.Rollout.Progressing {
		step = "ApplicationSetModified"
	}
	c.put(RolloutProgressing, o.Rollout.Progressing, step, o.Rollout.Message)
}

// rejections joins the errors of rejected applications.
func rejections(p *Plan) error {
	var all []error
	for _, r := range p.Rejected {
		where := "application " + r.Name
		if r.Name == "" {
			where = "an application"
		}
		if r.Generator != "" {
			where += " (" + r.Generator + ")"
		}
		all = append(all, fault.Wrap(fault.Of(r.Err), fmt.Errorf("%s: %w", where, r.Err)))
	}
	return errors.Join(all...)
}

// maxNames bounds the names in a message.
const maxNames = 10

func shortList(names []string) string {
	if len(names) > maxNames {
		return strings.Join(names[:maxNames], ", ") + fmt.Sprintf(" and %d more", len(names)-maxNames)
	}
	return strings.Join(names, ", ")
}

func heldMessage(set *v1alpha1.ApplicationSet, held *v1alpha1.HeldDeletion) string {
	names := shortList(held.Applications)
	if n := held.Count - int64(len(held.Applications)); n > 0 {
		names += fmt.Sprintf(" (%d are listed)", len(held.Applications))
	}
	return fmt.Sprintf("%d deletions wait for a confirmation: %s. They are %s. To let exactly these go: trueup appset confirm %s -n %s",
		held.Count, held.Reason, names, set.Name, set.Namespace)
}

func keptMessage(kept []Kept) string {
	type group struct{ action, reason string }
	var order []group
	names := map[group][]string{}
	for _, k := range kept {
		g := group{k.Action, k.Reason}
		if names[g] == nil {
			order = append(order, g)
		}
		names[g] = append(names[g], k.Name)
	}
	var out []string
	for _, g := range order {
		verb := map[string]string{"delete": "not deleted", "update": "not updated"}[g.action]
		out = append(out, fmt.Sprintf("%s: %s (%s)", verb, shortList(names[g]), g.reason))
	}
	return strings.Join(out, "; ")
}

// healthOf is Degraded while something fails, Progressing while steps are
// under way, and else the worst of the applications.
func healthOf(old *v1alpha1.HealthStatus, conditions []metav1.Condition, apps []v1alpha1.ResourceStatus, now metav1.Time) *v1alpha1.HealthStatus {
	out := &v1alpha1.HealthStatus{LastTransitionTime: &now}
	if c := apimeta.FindStatusCondition(conditions, ErrorOccurred); c != nil && c.Status == metav1.ConditionTrue {
		out.Status, out.Message = string(health.Degraded), c.Message
	} else if c := apimeta.FindStatusCondition(conditions, RolloutProgressing); c != nil && c.Status == metav1.ConditionTrue {
		out.Status, out.Message = string(health.Progressing), c.Message
	} else {
		all := make([]health.Result, 0, len(apps))
		for _, app := range apps {
			r := health.Result{Status: health.Status(cmp.Or(app.Health, string(health.Progressing)))}
			if r.Status != health.Healthy {
				r.Message = "application " + app.Name
			}
			all = append(all, r)
		}
		worst := health.Worst(all)
		out.Status, out.Message = string(worst.Status), worst.Message
	}
	if old != nil && old.Status == out.Status && old.LastTransitionTime != nil {
		out.LastTransitionTime = old.LastTransitionTime
	}
	return out
}
