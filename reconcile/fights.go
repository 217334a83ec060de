package reconcile

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/heat"
	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/drift/output"
	"github.com/trueup-dev/trueup/drift/revert"
	"github.com/trueup-dev/trueup/internal/object"
)

// DriftFight names differences that somebody makes anew as often as they are
// corrected.
const DriftFight = "DriftFight"

// maxFights bounds the fights that a status lists.
const maxFights = 100

// fights are the places that were corrected lately. Those that were corrected
// too often are left alone until they have cooled. The zero value has none.
type fights struct {
	meter *heat.Meter[place]
	known map[place]*contest
	// on are the places that one run leaves alone, decided once so that all of
	// the run agrees.
	on map[place]bool
}

// contest is what is known of one place.
type contest struct {
	corrections int64
	// declared stands for what Git says, since the first correction.
	declared string
	// since is when the place was first found to differ and left; live is what
	// stood there last.
	since time.Time
	live  string
}

// begin readies for one run. What has cooled, and what Git says another thing
// of now, is not left alone any more; neither is what a person asks for.
func (f *fights) begin(app *v1alpha1.Application, d *Desired, s heat.Settings, now time.Time) {
	if f.meter == nil {
		f.restore(app.Status.Drift, s, now)
	}
	f.meter.Cool(now)
	f.on = map[place]bool{}
	if len(f.known) == 0 {
		return
	}
	objects := object.Index(d.Objects)
	for at, c := range f.known {
		_, hot := f.meter.Hot(at, now)
		switch declared := declaredAt(objects[at.key], at.path); {
		case f.meter.Heat(at, now) == 0, declared == "", c.declared != "" && declared != c.declared, requests(app, at):
			f.meter.Forget(at)
			delete(f.known, at)
		case hot:
			c.declared = declared
			f.on[at] = true
		default:
			c.since = time.Time{}
		}
	}
}

// restore takes over the fights of an earlier process from its status: none is
// fought all over again.
func (f *fights) restore(d *v1alpha1.DriftSummary, s heat.Settings, now time.Time) {
	f.meter, f.known = heat.New[place](s), map[place]*contest{}
	if d == nil {
		return
	}
	for _, one := range d.Fights {
		at := place{object.Key{Group: one.Group, Kind: one.Kind, Namespace: one.Namespace, Name: one.Name}, one.Path}
		f.meter.Restore(at, one.Until.Time, now)
		f.known[at] = &contest{corrections: one.Corrections, since: one.Since.Time, live: text(one.Live)}
	}
}

// requests reports whether a person asks for a place to be corrected.
func requests(app *v1alpha1.Application, at place) bool {
	op := app.Operation
	if op == nil || op.Sync == nil || op.InitiatedBy.Automated || op.Sync.DryRun {
		return false
	}
	only := PolicyOf(app, op).Only
	return (len(only) == 0 || slices.Contains(only, at.key)) && Under(at.path, op.Sync.Paths)
}

// declaredAt stands for what Git says of a place: empty where it does not
// describe the object.
func declaredAt(desired *unstructured.Unstructured, path string) string {
	if desired == nil {
		return ""
	}
	var value any
	if path == "" {
		value = desired.Object
	} else if at, _, ok := ignore.Locate(path, drift.AsStored(desired), nil); ok {
		value = ignore.At(drift.AsStored(desired), at)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return "?"
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// corrected counts that a place was corrected.
func (f *fights) corrected(at place, desired *unstructured.Unstructured, now time.Time) {
	c := f.known[at]
	if c == nil {
		c = &contest{}
		f.known[at] = c
	}
	c.corrections++
	c.declared = declaredAt(desired, at.path)
	if f.meter.Add(at, now) {
		f.on[at] = true
	}
}

// watch looks at what is left alone: while the other goes on to change it, it
// does not cool. It is told for each run what differs.
func (f *fights) watch(v *View, now time.Time) {
	for at := range f.on {
		c := f.known[at]
		live, differs := v.differs(at)
		if !differs {
			continue
		}
		if c.since.IsZero() {
			c.since, c.live = now, live
		}
		if live != c.live {
			c.live = live
			f.meter.Add(at, now)
		}
	}
}

// stamps stand for what is left alone of each object: a verdict holds what to
// apply, which depends on it.
func (f *fights) stamps() map[object.Key]string {
	if len(f.on) == 0 {
		return nil
	}
	paths := map[object.Key][]string{}
	for at := range f.on {
		paths[at.key] = append(paths[at.key], at.path)
	}
	out := map[object.Key]string{}
	for key, all := range paths {
		slices.Sort(all)
		out[key] = strings.Join(all, "\n")
	}
	return out
}

// firstEnd is when the first of some fights is over; zero is never.
func firstEnd(all []v1alpha1.DriftFight) time.Time {
	var next time.Time
	for _, one := range all {
		if next.IsZero() || one.Until.Time.Before(next) {
			next = one.Until.Time
		}
	}
	return next
}

// list tells what differs and is left alone, in the order of reports.
func (f *fights) list(v *View, now time.Time) []v1alpha1.DriftFight {
	var out []v1alpha1.DriftFight
	for at := range f.on {
		c := f.known[at]
		d, differs := v.at(at)
		until, hot := f.meter.Hot(at, now)
		if !differs || !hot {
			continue
		}
		c.since = cmp.Or(c.since, now)
		change := changeOf(d)
		one := v1alpha1.DriftFight{
			Group: change.Group, Kind: change.Kind, Namespace: change.Namespace, Name: change.Name, Path: change.Path,
			Desired: change.Desired, Live: change.Live, Manager: change.Manager, Corrections: c.corrections,
			Since: metav1.NewTime(c.since.Truncate(time.Second)), Until: metav1.NewTime(until.Add(time.Second - 1).Truncate(time.Second)),
		}
		if at.path != "" {
			one.Rule = revert.Propose(at.key, at.path)
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b v1alpha1.DriftFight) int {
		return cmp.Or(fightKey(a).Compare(fightKey(b)), cmp.Compare(a.Path, b.Path))
	})
	return out[:min(len(out), maxFights)]
}

func fightKey(f v1alpha1.DriftFight) object.Key {
	return object.Key{Group: f.Group, Kind: f.Kind, Namespace: f.Namespace, Name: f.Name}
}

// FightText tells one fight: who sets what, and until when it is left.
func FightText(f v1alpha1.DriftFight) string { return output.FightText(f) }

// fightsText is the condition's message: each fight, and the rule that ends it.
func fightsText(all []v1alpha1.DriftFight) string {
	var b strings.Builder
	for i, f := range all {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(FightText(f))
		if f.Rule != "" {
			b.WriteString("\nto expect it, add to spec:\n" + strings.TrimSuffix(f.Rule, "\n"))
		}
	}
	return b.String()
}

// NewFights lists those that a later summary has and an earlier one has not.
func NewFights(before, now *v1alpha1.DriftSummary) []v1alpha1.DriftFight {
	if now == nil {
		return nil
	}
	known := map[place]bool{}
	if before != nil {
		for _, f := range before.Fights {
			known[place{fightKey(f), f.Path}] = true
		}
	}
	var out []v1alpha1.DriftFight
	for _, f := range now.Fights {
		if !known[place{fightKey(f), f.Path}] {
			out = append(out, f)
		}
	}
	return out
}
