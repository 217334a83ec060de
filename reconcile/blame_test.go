package reconcile

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/internal/object"
)

func claim(manager string, second int, fields string) metav1.ManagedFieldsEntry {
	at := metav1.NewTime(time.Unix(int64(second), 0))
	e := metav1.ManagedFieldsEntry{Manager: manager, Operation: "Update", Time: &at, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields)}
	if manager == object.FieldManager {
		e.Operation = "Apply"
	}
	return e
}

// liveConfig is a config map at a version.
func liveConfig(version string, entries ...metav1.ManagedFieldsEntry) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}}
	u.SetNamespace("shop")
	u.SetName("limits")
	u.SetResourceVersion(version)
	u.SetManagedFields(entries)
	return u
}

var config5 = object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "config5"}

// TestTrail: what watches tell between two verdicts says when a field of ours
// was changed, and who wrote then; nothing where a version may be missing.
func TestTrail(t *testing.T) {
	t.Parallel()
	const both, one = `{"f:data":{"f:max":{},"f:min":{}}}`, `{"f:data":{"f:max":{}}}`
	ours, less, hand := claim("trueup", 1, both), claim("trueup", 1, one), claim("kubectl-edit", 8, `{"f:data":{"f:x":{}}}`)
	sight := func(version, previous string, second int, entries ...metav1.ManagedFieldsEntry) Sighting {
		return Sighting{Key: config5, Version: version, Previous: previous, At: time.Unix(int64(second), 0), Mark: drift.Fingerprint(entries, object.FieldManager)}
	}
	gone := Sighting{Key: config5, Version: "9", Gone: true, At: time.Unix(12, 0)}
	for name, tc := range map[string]struct {
		sightings []Sighting
		live      *unstructured.Unstructured
		want      string
	}{
		"one step":                             {[]Sighting{sight("8", "7", 8, less, hand)}, liveConfig("8", less, hand), "7-8 until 10, 5-8 [kubectl-edit]"},
		"the step in which we lost":            {[]Sighting{sight("8", "7", 8, less), sight("9", "8", 9, less, hand)}, liveConfig("9", less, hand), "7-8 until 10, 5-8 []"},
		"a version without a change before it": {[]Sighting{sight("8", "7", 7, ours), sight("9", "8", 9, less, hand)}, liveConfig("9", less, hand), "8-9 until 11, 7-9 [kubectl-edit]"},
		"a missed version":                     {[]Sighting{sight("9", "", 9, less, hand)}, liveConfig("9", less, hand), "7-9 until 22"},
		"a read ahead of the watch":            {[]Sighting{sight("8", "7", 8, less, hand)}, liveConfig("9", less, hand), "7-9 until 22"},
		"nothing was told yet":                 {nil, liveConfig("8", less, hand), "7-8 until 22"},
		"deleted":                              {[]Sighting{gone}, nil, "7- until 14"},
		"an older version, told late":          {[]Sighting{sight("6", "5", 9, less), sight("8", "7", 8, less, hand)}, liveConfig("8", less, hand), "7-8 until 10, 5-8 [kubectl-edit]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdict := drift.Object{Kind: config5.Kind, Namespace: config5.Namespace, Name: config5.Name}
			m := &Memory{}
			m.remember(seen{verdict: verdict, at: time.Unix(5, 0)}, liveConfig("7", ours))
			for _, s := range tc.sightings {
				m.Notice(s)
			}
			m.remember(seen{verdict: verdict, at: time.Unix(20, 0)}, tc.live)
			w := m.seen[config5].window
			got := fmt.Sprintf("%s-%s until %d", w.own.From, w.own.To, w.own.Until.Unix())
			if w.trace != nil {
				got += fmt.Sprintf(", %d-%d %v", w.trace.After.Unix(), w.trace.Before.Unix(), w.trace.Managers)
			}
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if m.seen[config5].trail != nil {
				t.Error("the trail goes on from before the verdict")
			}
		})
	}
}

// told is what audit events told so far.
type told struct {
	events []audit.Event
	keys   []object.Key // that are waited for
}

func (a *told) Writes(_ context.Context, _ string, _ *Cluster, keys []object.Key) map[object.Key][]audit.Event {
	a.keys = keys
	return map[object.Key][]audit.Event{config5: a.events}
}

// TestBlame: events may come before drift is found, after, and after it went.
func TestBlame(t *testing.T) {
	t.Parallel()
	second := func(n int) time.Time { return time.Unix(int64(n), 0).UTC() }
	made := second(10)
	field := Drift{Key: config5, State: drift.Modified, Field: &drift.Field{Path: "data.max", Desired: "5", Live: "9", Class: drift.Declared, Manager: "kubectl-edit", Time: &made}}
	by := func(user string) audit.Event {
		return audit.Event{Ref: audit.RefOf(config5), Verb: "patch", User: user, Manager: "kubectl-edit", Received: made, Done: made.Add(time.Millisecond)}
	}
	type look struct {
		at          int
		events      []audit.Event
		found, left bool
	}
	ana, both := []audit.Event{by("ana")}, []audit.Event{by("ana"), by("ben")}
	for name, tc := range map[string]struct {
		looks   []look
		restart int // before this look
		want    []string
		waits   int // for so many objects, in the end
	}{
		"known at once":                   {[]look{{11, ana, true, true}, {12, ana, true, true}}, 0, []string{"11 opened ana"}, 1},
		"known later":                     {[]look{{11, nil, true, true}, {12, ana, true, true}, {13, ana, true, true}}, 0, []string{"11 opened ", "12 blamed ana"}, 1},
		"another one may have":            {[]look{{11, ana, true, true}, {12, both, true, true}}, 0, []string{"11 opened ana", "12 blamed one of ben, ana"}, 1},
		"forgotten events stay told":      {[]look{{11, ana, true, true}, {12, nil, true, true}, {13, nil, false, false}}, 0, []string{"11 opened ana", "13 closed ana"}, 0},
		"a restart keeps what was told":   {[]look{{11, ana, true, true}, {12, nil, true, true}}, 1, []string{"11 opened ana"}, 1},
		"corrected before it was known":   {[]look{{11, nil, true, false}, {12, nil, false, false}, {13, ana, false, false}, {14, ana, false, false}}, 0, []string{"11 opened ", "11 closed ", "13 blamed ana"}, 0},
		"gone before it was known":        {[]look{{11, nil, true, true}, {12, nil, false, false}, {13, ana, false, false}}, 0, []string{"11 opened ", "12 closed ", "13 blamed ana"}, 0},
		"it is not waited for for ever":   {[]look{{11, nil, true, false}, {12 + 300, ana, false, false}}, 0, []string{"11 opened ", "11 closed "}, 0},
		"an event of another, much later": {[]look{{11, nil, true, true}, {60, []audit.Event{func() audit.Event { e := by("ben"); e.Received, e.Done = second(59), second(59); return e }()}, true, true}}, 0, []string{"11 opened "}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mem, audits, app := &Memory{}, &told{}, &v1alpha1.Application{}
			var got []string
			var status v1alpha1.ApplicationStatus
			for i, l := range tc.looks {
				if tc.restart > 0 && i == tc.restart {
					mem = &Memory{}
				}
				mem.reopen(status)
				audits.events = l.events
				f := &Flow{Audit: audits, Now: func() time.Time { return second(l.at) }}
				s := story{at: second(l.at), run: &Run{}}
				for _, into := range []*[]Drift{&s.found, &s.left} {
					if into == &s.found && l.found || into == &s.left && l.left {
						d, copied := field, *field.Field
						d.Field = &copied
						*into = append(*into, d)
					}
				}
				b := blamer{f, app, &View{seen: map[object.Key]seen{}}, mem}
				b.attribute(t.Context(), s.found, nil)
				b.attribute(t.Context(), s.left, s.found)
				for _, e := range mem.tell(s) {
					got = append(got, fmt.Sprintf("%d %s %s", e.At.Unix(), e.Moment, audit.Text(e.Audit)))
					if text := audit.Text(e.Field.Audit); !strings.HasPrefix(text, audit.Text(e.Audit)) {
						t.Errorf("the field is by %q, the event by %q", text, audit.Text(e.Audit))
					}
				}
				status.Drift = summarize(s.left, time.Time{})
				mem.dated(status.Drift)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(audits.keys) != tc.waits {
				t.Errorf("it waits for %v", audits.keys)
			}
		})
	}
}
