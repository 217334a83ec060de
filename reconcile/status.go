package reconcile

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/internal/health"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile/plan"
)

// The conditions of an application. All but Ready are there only while they
// are true.
const (
	Ready            = "Ready"
	ComparisonError  = "ComparisonError"
	SyncError        = "SyncError"
	UnsupportedField = "UnsupportedField"
	// IgnoreRuleError names rules about differences that are malformed.
	IgnoreRuleError = "IgnoreRuleError"
)

// NotInGit is the message of an object that is left over.
const NotInGit = "not in Git any more"

// maxChanges bounds the drift that a status lists; the counts are whole.
const maxChanges = 100

// status tells what the session found and did. What did not change keeps its
// times, so that a status at rest is the same every time.
func (s *session) status(p plan.Plan, left []Drift) v1alpha1.ApplicationStatus {
	old, now := s.app.Status, metav1.NewTime(s.flow.Now().Truncate(time.Second))
	out := *old.DeepCopy()
	out.ObservedGeneration = s.app.Generation
	s.revision(&out)
	out.Sync.Status = s.syncStatus()
	out.Resources = s.resources()
	worst := s.health()
	if old.Health.Status != string(worst.Status) {
		out.Health.LastTransitionTime = &now
	}
	out.Health.Status, out.Health.Message = string(worst.Status), worst.Message
	out.Drift = summarize(left, s.mem.Verified())
	out.Drift.Rules = s.view.rules()
	out.Drift.Orphaned = s.mem.orphans.found
	s.mem.dated(out.Drift)
	out.Drift.Fights = s.mem.fights.list(s.view, s.flow.Now())
	if s.run != nil {
		s.record(&out)
	} else if o := out.OperationState; o != nil && o.Phase == phaseRunning && !s.mem.attempt.Unfinished {
		o.Phase, o.Message, o.FinishedAt = phaseSucceeded, "all waves are applied", &now
	}
	s.conditions(&out, p, now)
	return out
}

// revision tells the commit that the objects come from. It stays while later
// commits describe the very same objects: a repository of many applications
// would else have all of them rewritten by every commit.
func (s *session) revision(out *v1alpha1.ApplicationStatus) {
	d := s.view.Desired
	out.SourceType, out.SourceTypes = "", nil
	if len(s.app.Spec.Sources) > 0 {
		out.SourceTypes = d.SourceTypes
	} else if len(d.SourceTypes) > 0 {
		out.SourceType = d.SourceTypes[0]
	}
	if s.run == nil && out.Sync.Digest == d.Digest && s.app.Status.ObservedGeneration == s.app.Generation && out.Sync.Revision+strings.Join(out.Sync.Revisions, "") != "" {
		return
	}
	out.Sync.Digest = d.Digest
	out.Sync.Revision, out.Sync.Revisions = s.revisions()
}

// revisions are one commit, or one for each of several sources.
func (s *session) revisions() (string, []string) {
	d := s.view.Desired
	if len(s.app.Spec.Sources) == 0 {
		return d.Commit.SHA, nil
	}
	var all []string
	for _, c := range d.Commits {
		all = append(all, c.SHA)
	}
	return "", all
}

// syncStatus is OutOfSync where something is known to differ, and Unknown
// where the rest may.
func (s *session) syncStatus() v1alpha1.SyncStatusCode {
	status := v1alpha1.SyncStatusCodeSynced
	for _, seen := range s.view.seen {
		switch state := seen.verdict.State; {
		case state == drift.InSync || state == drift.Extra && extraneous(seen):
		case state == drift.Unknown:
			status = v1alpha1.SyncStatusCodeUnknown
		default:
			return v1alpha1.SyncStatusCodeOutOfSync
		}
	}
	return status
}

// extraneous reports objects that ask not to count when Git has them no more.
func extraneous(s seen) bool {
	if s.live == nil {
		return true
	}
	all := s.live.GetAnnotations()
	options := cmp.Or(all["trueup.dev/compare-options"], all["argocd.argoproj.io/compare-options"])
	return strings.Contains(options, "IgnoreExtraneous")
}

func (s *session) resources() []v1alpha1.ResourceStatus {
	versions := map[object.Key]string{}
	for _, u := range s.view.Desired.Objects {
		versions[object.KeyOf(u)] = u.GroupVersionKind().Version
	}
	var out []v1alpha1.ResourceStatus
	for _, key := range s.view.keys() {
		seen := s.view.seen[key]
		r := v1alpha1.ResourceStatus{
			Group: key.Group, Version: versions[key], Kind: key.Kind, Namespace: key.Namespace, Name: key.Name,
			Status: v1alpha1.SyncStatusCodeOutOfSync, Health: string(seen.health.Status), Message: seen.health.Message,
			Origin: s.view.Desired.Origins[key],
		}
		if r.Version == "" && seen.live != nil {
			r.Version = seen.live.GroupVersionKind().Version
		}
		switch seen.verdict.State {
		case drift.InSync:
			r.Status = v1alpha1.SyncStatusCodeSynced
		case drift.Extra:
			r.Message = NotInGit
		case drift.Unknown:
			r.Status, r.Message = v1alpha1.SyncStatusCodeUnknown, seen.verdict.Reason
		case drift.Modified, drift.Missing, drift.Orphaned: // out of sync, as set above
			r.Message = cmp.Or(r.Message, seen.verdict.Reason)
		}
		out = append(out, r)
	}
	return out
}

// health is the worst of what is desired. What Git has no more does not
// count.
func (s *session) health() health.Result {
	var all []health.Result
	for _, key := range s.view.keys() {
		seen := s.view.seen[key]
		if seen.desired == "" || seen.live != nil && health.Ignored(seen.live) {
			continue
		}
		r := seen.health
		if r.Status != health.Healthy {
			r.Message = strings.TrimSuffix(key.Short()+": "+r.Message, ": ")
		}
		all = append(all, r)
	}
	return health.Worst(all)
}

// record writes the session's sync down.
func (s *session) record(out *v1alpha1.ApplicationStatus) {
	started, finished := metav1.NewTime(s.run.Started.Truncate(time.Second)), metav1.NewTime(s.run.Finished.Truncate(time.Second))
	state := &v1alpha1.OperationState{
		Phase: s.run.Phase, Message: s.run.Message, StartedAt: started,
		SyncResult: s.syncResult(),
	}
	if s.run.Phase != phaseRunning {
		state.FinishedAt = &finished
	}
	fields := s.fields()
	for _, e := range s.run.Result.Entries {
		state.SyncResult.Resources = append(state.SyncResult.Resources, v1alpha1.ResourceResult{
			Group: e.Key.Group, Kind: e.Key.Kind, Namespace: e.Key.Namespace, Name: e.Key.Name, Status: string(e.Status), Message: e.Message,
			Fields: fields[e.Key],
		})
	}
	if out.DryRunState = state; s.run.Result.DryRun {
		return // what the last sync did is still so
	}
	if out.OperationState, out.DryRunState = state, nil; s.run.Phase != phaseSucceeded || s.run.Drifted {
		return
	}
	id := int64(0)
	if n := len(out.History); n > 0 {
		id = out.History[n-1].ID + 1
	}
	entry := v1alpha1.RevisionHistory{ID: id, DeployedAt: finished, InitiatedBy: s.run.Initiator}
	entry.Revision, entry.Revisions = s.revisions()
	out.History = append(out.History, entry)
	limit := 10
	if l := s.app.Spec.RevisionHistoryLimit; l != nil && *l >= 0 {
		limit = int(*l)
	}
	if n := len(out.History); n > limit {
		out.History = slices.Clone(out.History[n-limit:])
	}
}

func (s *session) syncResult() *v1alpha1.SyncOperationResult {
	out := &v1alpha1.SyncOperationResult{Digest: s.view.Desired.Digest}
	if s.run.Drifted {
		out.Drifted, out.Digest = true, s.mem.attempt.Revision
	}
	out.Revision, out.Revisions = s.revisions()
	return out
}

func (s *session) conditions(out *v1alpha1.ApplicationStatus, p plan.Plan, now metav1.Time) {
	c := conditions{old: s.app.Status.Conditions, now: now, generation: s.app.Generation}
	ready, reason := metav1.ConditionFalse, string(out.Sync.Status)
	if out.Sync.Status == v1alpha1.SyncStatusCodeSynced {
		reason = out.Health.Status
		if out.Health.Status == string(health.Healthy) {
			ready = metav1.ConditionTrue
		}
	}
	for _, r := range p.Refusals {
		c.add(r.Reason, metav1.ConditionTrue, r.Rule, r.Message)
	}
	if o := out.OperationState; o != nil && o.Phase == phaseFailed && s.mem.attempt.Failed {
		c.add(SyncError, metav1.ConditionTrue, "ApplyFailed", o.Message)
	}
	warnings := map[string][]string{}
	warnings["RepeatedResource"] = append(warnings["RepeatedResource"], s.view.Desired.Warnings...)
	for _, w := range p.Warnings {
		warnings[w.Rule] = append(warnings[w.Rule], w.Message)
	}
	if problems := s.view.ruleProblems(); len(problems) > 0 {
		c.add(IgnoreRuleError, metav1.ConditionTrue, "Malformed", strings.Join(problems, "\n"))
	}
	if text := s.view.blindness(); text != "" {
		c.add(ComparisonError, metav1.ConditionTrue, ObjectsUnknown, text)
	}
	warnings["IgnoreRule"] = s.view.ruleWarnings()
	if text := s.mem.orphans.warning(); text != "" {
		warnings["OrphanedResource"] = []string{text}
	}
	if _, expired, _ := acceptances(s.app, now.Time); len(expired) > 0 {
		c.add(DriftAcceptanceExpired, metav1.ConditionTrue, "Expired", expiries(expired))
	}
	if fights := out.Drift.Fights; len(fights) > 0 {
		c.add(DriftFight, metav1.ConditionTrue, "KeepsComingBack", fightsText(fights))
	}
	for rule, messages := range warnings {
		if len(messages) == 0 {
			continue
		}
		c.add(rule+"Warning", metav1.ConditionTrue, rule, strings.Join(messages, "\n"))
	}
	c.unsupported(s.app, s.view.Desired.Unsupported)
	c.add(Ready, ready, reason, out.Health.Message)
	out.Conditions = c.sorted()
}

// conditions builds a list that keeps the times of what did not change.
type conditions struct {
	old        []metav1.Condition
	now        metav1.Time
	generation int64
	out        []metav1.Condition
}

// maxMessage bounds a condition's text: the API allows 32 KiB.
const maxMessage = 8 << 10

func (c *conditions) add(kind string, status metav1.ConditionStatus, reason, message string) {
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "…"
	}
	if reason == "" {
		reason = "Unknown"
	}
	next := metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message, LastTransitionTime: c.now, ObservedGeneration: c.generation}
	for _, old := range c.old {
		if old.Type == kind && old.Status == status {
			next.LastTransitionTime = old.LastTransitionTime
		}
	}
	c.out = append(c.out, next)
}

func (c *conditions) unsupported(app *v1alpha1.Application, more []string) {
	if fields := append(v1alpha1.Unsupported(app), more...); len(fields) > 0 {
		c.add(UnsupportedField, metav1.ConditionTrue, "Ignored", "these fields have no effect: "+strings.Join(fields, ", "))
	}
}

func (c *conditions) sorted() []metav1.Condition {
	slices.SortFunc(c.out, func(a, b metav1.Condition) int { return cmp.Compare(a.Type, b.Type) })
	return slices.CompactFunc(c.out, func(a, b metav1.Condition) bool { return a.Type == b.Type })
}

// failedStatus keeps the last good state and says what went wrong.
func failedStatus(app *v1alpha1.Application, err error, at time.Time) v1alpha1.ApplicationStatus {
	out := *app.Status.DeepCopy()
	out.ObservedGeneration = app.Generation
	out.Sync.Status = v1alpha1.SyncStatusCodeUnknown
	if out.Health.Status == "" {
		out.Health.Status = string(health.Unknown)
	}
	c := conditions{old: app.Status.Conditions, now: metav1.NewTime(at.Truncate(time.Second)), generation: app.Generation}
	c.add(ComparisonError, metav1.ConditionTrue, reasonOf(err), err.Error())
	c.add(Ready, metav1.ConditionFalse, ComparisonError, err.Error())
	c.unsupported(app, nil)
	out.Conditions = c.sorted()
	return out
}

func operationFailed(app *v1alpha1.Application, err error, at time.Time) *v1alpha1.OperationState {
	now := metav1.NewTime(at.Truncate(time.Second))
	return &v1alpha1.OperationState{Phase: phaseFailed, Message: err.Error(), StartedAt: now, FinishedAt: &now,
		SyncResult: &v1alpha1.SyncOperationResult{Revision: app.Status.Sync.Revision}}
}

// summarize is drift as the status shows it.
func summarize(all []Drift, verified time.Time) *v1alpha1.DriftSummary {
	out := &v1alpha1.DriftSummary{Fields: 0}
	if !verified.IsZero() {
		at := metav1.NewTime(verified.Truncate(time.Second))
		out.VerifiedAt = &at
	}
	objects := map[object.Key]bool{}
	for _, d := range all {
		objects[d.Key] = true
		change := changeOf(d)
		if d.Field != nil {
			out.Fields++
		}
		if change.Time != nil && (out.Since == nil || change.Time.Before(out.Since)) {
			out.Since = change.Time
		}
		if change.Manager != "" && !slices.Contains(out.By, change.Manager) {
			out.By = append(out.By, change.Manager)
		}
		if len(out.Changes) < maxChanges {
			out.Changes = append(out.Changes, change)
		}
	}
	slices.Sort(out.By)
	out.Objects = len(objects)
	return out
}

func changeOf(d Drift) v1alpha1.DriftChange {
	c := v1alpha1.DriftChange{Group: d.Key.Group, Kind: d.Key.Kind, Namespace: d.Key.Namespace, Name: d.Key.Name}
	audit.Show(d.Audit, &c)
	if d.Field == nil {
		c.Class = string(drift.Declared)
		return c
	}
	c.Path, c.Class = d.Field.Path, string(d.Field.Class)
	c.Manager, c.Operation, c.Subresource = d.Field.Manager, d.Field.Operation, d.Field.Subresource
	if t := d.Field.Trace; t != nil {
		after, before := metav1.NewTime(t.After.Truncate(time.Second)), metav1.NewTime(t.Before.Truncate(time.Second))
		c.Trace = &v1alpha1.DriftTrace{After: &after, Before: &before, Managers: t.Managers}
	}
	c.Desired, c.Live = rawJSON(d.Field.Desired), rawJSON(d.Field.Live)
	if d.Field.Time != nil {
		at := metav1.NewTime(*d.Field.Time)
		c.Time = &at
	}
	return c
}

// maxValue bounds one value in a status.
const maxValue = 1 << 10

func rawJSON(v any) *apiextensionsv1.JSON {
	if v == nil {
		return nil
	}
	data, err := json.Marshal(v)
	if err == nil && len(data) > maxValue {
		data, err = json.Marshal(fmt.Sprintf("(a value of %d bytes)", len(data)))
	}
	if err != nil {
		return nil
	}
	return &apiextensionsv1.JSON{Raw: data}
}

func text(j *apiextensionsv1.JSON) string {
	if j == nil {
		return ""
	}
	return string(j.Raw)
}
