package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/drift/known"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile/plan"
)

// rulebook is what users say may differ.
type rulebook struct {
	set      *ignore.Set
	problems []ignore.Problem
	// own are the names of the application's own rules.
	own []string
	// respected: a sync leaves to live what rules explain.
	respected bool
	// text is what own was compiled from.
	text string
}

// rulesOf compiles the rules of an application, unless they are those of the
// last time, and adds those of all applications.
func (f *Flow) rulesOf(ctx context.Context, app *v1alpha1.Application, mem *Memory) (rulebook, error) {
	accepted, _, _ := acceptances(app, f.Now())
	text, err := json.Marshal([]any{app.Spec.IgnoreDifferences, accepted})
	if err != nil {
		return rulebook{}, fmt.Errorf("read spec.ignoreDifferences and spec.drift.accept: %w", err)
	}
	if mem.rules.text != string(text) {
		mem.rules = compile(app.Spec.IgnoreDifferences, accepted)
		mem.rules.text = string(text)
	}
	book := mem.rules
	book.respected = respects(app)
	if f.Rules == nil {
		return book, nil
	}
	global, problems, err := f.Rules.Rules(ctx)
	if err != nil {
		return rulebook{}, fmt.Errorf("read the rules of all applications: %w", err)
	}
	book.set = book.set.With(global)
	book.problems = append(slices.Clone(book.problems), problems...)
	return book, nil
}

func compile(all []v1alpha1.ResourceIgnoreDifferences, accepted []v1alpha1.DriftAcceptance) rulebook {
	var rules []ignore.Rule
	var book rulebook
	var refused []ignore.Problem
	for i, a := range accepted {
		r, err := acceptanceRule(a)
		r.At = fmt.Sprintf("spec.drift.accept[%d]", i)
		if err != nil {
			refused = append(refused, ignore.Problem{At: r.At, Message: err.Error()})
			continue
		}
		if !slices.Contains(book.own, r.Name) {
			book.own = append(book.own, r.Name)
		}
		rules = append(rules, r)
	}
	for i, r := range all {
		name := fmt.Sprintf("ignoreDifferences[%d]", i)
		book.own = append(book.own, name)
		rules = append(rules, ignore.Rule{
			Name: name, At: "spec." + name, Group: r.Group, Kind: r.Kind, Object: r.Name, Namespace: r.Namespace, Paths: r.Paths,
			JSONPointers: r.JSONPointers, JQPathExpressions: r.JQPathExpressions, ManagedFieldsManagers: r.ManagedFieldsManagers, When: r.When,
		})
	}
	book.set, book.problems = ignore.Compile(rules...)
	book.problems = append(refused, book.problems...)
	return book
}

// respects reports the sync option of that name, of the application or of the
// sync that somebody asks for.
func respects(app *v1alpha1.Application) bool {
	var options []string
	if p := app.Spec.SyncPolicy; p != nil {
		options = append(options, p.SyncOptions...)
	}
	options = append(options, requested(app).SyncOptions...)
	return plan.Option(options, "RespectIgnoreDifferences") == "true"
}

// stamp is what a verdict depends on beside live: other rules, another
// verdict.
func (d *Desired) stamp(key object.Key) string {
	hash := d.hashes[key]
	if hash == "" {
		return ""
	}
	if digest := d.rules.set.Digest(); digest != "" {
		hash += "/" + digest
		if d.rules.respected {
			hash += "/respected"
		}
	}
	if left := d.left[key]; left != "" {
		hash += "/left " + left
	}
	return hash
}

// toApply lists what a sync applies: what is desired, without what rules
// leave to live.
func (v *View) toApply() []*unstructured.Unstructured {
	out := slices.Clone(v.Desired.Objects)
	for i, u := range out {
		if apply := v.seen[object.KeyOf(u)].apply; apply != nil {
			out[i] = apply
		}
	}
	return out
}

// rules adds up what each rule did, by name. A rule of the application that
// selects no object is there as well.
func (v *View) rules() []v1alpha1.IgnoreRuleStatus {
	hits := func(yield func(string, ignore.Hit) bool) {
		for _, key := range v.keys() {
			for _, hit := range v.seen[key].verdict.Rules {
				if !yield(key.Short(), hit) {
					return
				}
			}
		}
	}
	var out []v1alpha1.IgnoreRuleStatus
	for _, u := range ignore.Sum(v.Desired.rules.own, hits) {
		out = append(out, v1alpha1.IgnoreRuleStatus{Name: u.Rule, Objects: u.Objects, Places: u.Places, Fields: u.Fields, Message: u.Message})
	}
	return out
}

// ruleWarnings are what is odd about the application's own rules. Rules of
// all applications need not match in each.
func (v *View) ruleWarnings() []string {
	var out []string
	for _, r := range v.rules() {
		if r.Message != "" && !strings.HasPrefix(r.Name, "global/") {
			out = append(out, r.Name+": "+r.Message)
		}
	}
	return out
}

// ruleProblems are what is wrong with rules.
func (v *View) ruleProblems() []string {
	var out []string
	for _, p := range v.Desired.rules.problems {
		out = append(out, p.String())
	}
	for _, key := range v.keys() {
		for _, hit := range v.seen[key].verdict.Rules {
			if hit.Malformed {
				out = append(out, key.Short()+" "+ignore.Annotation+": "+hit.Message)
			}
		}
	}
	return out
}

// maxScalers bounds the autoscalers of one namespace that are looked at.
const maxScalers = 5000

// scalersOf reads the autoscalers that may explain a difference which looks
// like one's work: they may belong to another application, or to nobody. Of
// the namespaces in which it is not known, it tells why.
func scalersOf(ctx context.Context, c *Cluster, report drift.Report) (found []*unstructured.Unstructured, asked bool, failed map[string]error) {
	namespaces := map[string]bool{}
	for _, o := range report.Objects {
		if mayBeScaled(o) {
			namespaces[o.Namespace] = true
		}
	}
	var out []*unstructured.Unstructured
	for _, namespace := range slices.Sorted(maps.Keys(namespaces)) {
		for _, gvk := range known.Scalers() {
			found, err := c.Objects.List(ctx, gvk, namespace, maxScalers)
			kind := fault.Of(err)
			if err != nil && kind != fault.Missing && kind != fault.Denied && kind != fault.Invalid {
				if failed == nil {
					failed = map[string]error{}
				}
				failed[namespace] = fmt.Errorf("look for autoscalers in %s of cluster %s: %w", namespace, c.Name, err)
			}
			out = append(out, found...) // nothing where they cannot be read: then nothing explains the difference
		}
	}
	return out, len(namespaces) > 0, failed
}

// scalersAge is how long autoscalers of others are believed not to have
// changed: nothing tells of them, because nobody tracks them for us.
const scalersAge = time.Minute

// scalersDue tells how long what autoscalers of others explained still stands;
// 0 is for ever.
func (m *Memory) scalersDue(now time.Time) time.Duration {
	if m.scalersAt.IsZero() {
		return 0
	}
	return max(m.scalersAt.Add(scalersAge).Sub(now), time.Second)
}

// mayBeScaled reports a difference that an autoscaler may explain.
func mayBeScaled(o drift.Object) bool {
	return slices.ContainsFunc(o.Fields, func(f drift.Field) bool { return f.ToSync() && known.MayScale(f.Path, f.Manager) })
}

// scalerOf keeps what matters of an autoscaler, and nothing of others.
func scalerOf(live *unstructured.Unstructured) *unstructured.Unstructured {
	if !known.IsScaler(live.GroupVersionKind().GroupKind()) {
		return nil
	}
	out := metadataOf(live)
	out.Object["spec"] = live.Object["spec"]
	if status, ok := live.Object["status"]; ok {
		out.Object["status"] = status // tells whether it scaled
	}
	return out
}

// scalers lists the autoscalers that were seen, but those that are looked at
// just now.
func (m *Memory) scalers(but map[object.Key]bool) []*unstructured.Unstructured {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []*unstructured.Unstructured
	for key, s := range m.seen {
		if s.scaler != nil && !but[key] {
			out = append(out, s.scaler)
		}
	}
	return out
}

// scaled adds the objects whose verdict depends on an autoscaler, where one is
// among the stale, or where others have to be asked for again.
func (m *Memory) scaled(stale []object.Key, all map[object.Key]string, now time.Time) []object.Key {
	due := !m.scalersAt.IsZero() && !now.Before(m.scalersAt.Add(scalersAge))
	if !due && !slices.ContainsFunc(stale, func(k object.Key) bool { return known.IsScaler(k.GroupKind()) }) {
		return stale
	}
	if due {
		m.scalersAt = time.Time{} // until they are asked for again
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, s := range m.seen {
		if _, there := all[key]; !there || slices.Contains(stale, key) {
			continue
		}
		if slices.ContainsFunc(s.verdict.Fields, func(f drift.Field) bool { return known.Scalable(f.Path) }) {
			stale = append(stale, key)
		}
	}
	return stale
}
