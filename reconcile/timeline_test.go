package reconcile

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/object"
)

// TestTimeline tells one difference through several looks: what each finds,
// and what is told of it.
func TestTimeline(t *testing.T) {
	t.Parallel()
	key := object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	replicas := func(live int, by string) Drift {
		return Drift{Key: key, State: drift.Modified, Field: &drift.Field{Path: "spec.replicas", Desired: 2, Live: live, Class: drift.Declared, Manager: by}}
	}
	there := map[object.Key]seen{key: {verdict: drift.Object{State: drift.InSync}}}
	explained := func(rule string) map[object.Key]seen {
		return map[object.Key]seen{key: {verdict: drift.Object{Fields: []drift.Field{{Path: "spec.replicas", Class: drift.Expected, Rule: rule}}}}}
	}
	byBen := &Run{Initiator: v1alpha1.OperationInitiator{Username: "ben"}}
	four := []Drift{replicas(4, "kubectl")}
	for name, tc := range map[string]struct {
		looks []story
		want  []string
	}{
		"it is opened once": {[]story{{found: four, left: four}, {found: four, left: four}}, []string{"0 opened  "}},
		"another value": {[]story{{found: four, left: four}, {found: []Drift{replicas(5, "kubectl")}, left: []Drift{replicas(5, "kubectl")}}},
			[]string{"0 opened  ", "1 changed  "}},
		"another hand": {[]story{{found: four, left: four}, {found: []Drift{replicas(4, "helm")}, left: []Drift{replicas(4, "helm")}}},
			[]string{"0 opened  ", "1 changed  "}},
		"healed in the look that found it": {[]story{{found: four, run: &Run{}}}, []string{"0 opened  ", "0 closed reverted "}},
		"somebody asked for a sync":        {[]story{{found: four, left: four}, {found: four, run: byBen}}, []string{"0 opened  ", "1 closed reverted ben"}},
		"another revision was synced":      {[]story{{found: four, left: four}, {found: four, run: byBen, pending: true}}, []string{"0 opened  ", "1 closed synced ben"}},
		"a sync that left it":              {[]story{{found: four, left: four}, {found: four, left: four, run: byBen}}, []string{"0 opened  "}},
		"changed back":                     {[]story{{found: four, left: four}, {verdicts: there}}, []string{"0 opened  ", "1 closed undone "}},
		"Git caught up":                    {[]story{{found: four, left: four}, {verdicts: there, moved: true, author: "Ana"}}, []string{"0 opened  ", "1 closed git Ana"}},
		"a commit adopted it": {[]story{{found: four, left: four}, {verdicts: there, moved: true, author: "Ana", adopts: "x\n" + Adopts(key, "spec.replicas")}},
			[]string{"0 opened  ", "1 closed adopted Ana"}},
		"the merge of a branch that adopts": {[]story{{found: four, left: four}, {verdicts: there, moved: true, author: "Ana", adopts: "*"}},
			[]string{"0 opened  ", "1 closed adopted Ana"}},
		"a commit adopted something else": {[]story{{found: four, left: four}, {verdicts: there, moved: true, author: "Ana", adopts: Adopts(key, "spec.paused")}},
			[]string{"0 opened  ", "1 closed git Ana"}},
		"changed back after a commit that adopted": {[]story{{found: four, left: four}, {verdicts: there, adopts: "*"}}, []string{"0 opened  ", "1 closed undone "}},
		"Git dropped the object":                   {[]story{{found: four, left: four}, {author: "Ana"}}, []string{"0 opened  ", "1 closed git Ana"}},
		"a rule":                                   {[]story{{found: four, left: four}, {verdicts: explained("autoscaler")}}, []string{"0 opened  ", "1 closed expected autoscaler"}},
		"accepted": {[]story{{found: four, left: four}, {verdicts: explained("accepted until 2026-12-01: ticket")}},
			[]string{"0 opened  ", "1 closed accepted accepted until 2026-12-01: ticket"}},
		"it comes again": {[]story{{found: four, left: four}, {verdicts: there}, {found: four, left: four}}, []string{"0 opened  ", "1 closed undone ", "2 opened  "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mem Memory
			mem.reopen(v1alpha1.ApplicationStatus{})
			var got []string
			for i, look := range tc.looks {
				look.at = time.Unix(int64(i), 0)
				for _, e := range mem.tell(look) {
					got = append(got, fmt.Sprintf("%d %s %s %s", e.At.Unix(), e.Moment, e.How, e.By))
					if e.path() != "spec.replicas" || e.FoundAt.After(e.At) {
						t.Errorf("%+v", e)
					}
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestOpenDriftOutlivesTheProcess holds that a restart neither opens what is
// open again nor loses when it was found.
func TestOpenDriftOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	secret := object.Key{Kind: "Secret", Namespace: "shop", Name: "db"}
	found := []Drift{
		{Key: secret, State: drift.Modified, Field: &drift.Field{Path: "data.p", Desired: "<secret #1>", Live: "<secret #2>", Class: drift.Declared, Manager: "kubectl"}},
		{Key: object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "c"}, State: drift.Missing},
	}
	var first, second Memory
	first.reopen(v1alpha1.ApplicationStatus{})
	if n := len(first.tell(story{at: time.Unix(7, 0), found: found, left: found})); n != 2 {
		t.Fatalf("%d events", n)
	}
	summary := summarize(found, time.Time{})
	first.dated(summary)
	want := metav1.NewTime(time.Unix(7, 0))
	for _, c := range summary.Changes {
		if c.FoundAt == nil || !c.FoundAt.Equal(&want) {
			t.Errorf("%s was found at %v", c.Name, c.FoundAt)
		}
	}
	second.reopen(v1alpha1.ApplicationStatus{Drift: summary})
	found[0].Field = &drift.Field{Path: "data.p", Desired: "<secret #3>", Live: "<secret #4>", Class: drift.Declared, Manager: "kubectl"}
	if got := second.tell(story{at: time.Unix(8, 0), found: found, left: found}); len(got) != 0 {
		t.Errorf("told again: %+v", got)
	}
	gone := second.tell(story{at: time.Unix(9, 0), moved: true})
	if len(gone) != 2 || gone[0].Moment != Closed || !gone[0].FoundAt.Equal(time.Unix(7, 0)) || gone[1].Field.Manager != "kubectl" {
		t.Errorf("closed: %+v", gone)
	}
}

// toldTo collects what a journal is told of drift.
type toldTo struct{ events []DriftEvent }

func (*toldTo) Intend(context.Context, *v1alpha1.Application, v1alpha1.ApplicationStatus) error {
	return nil
}
func (*toldTo) Record(context.Context, Run) error { return nil }
func (j *toldTo) Drifted(_ context.Context, events []DriftEvent) error {
	j.events = append(j.events, events...)
	return nil
}

// TestDeletedApplication: nothing stays open of an application that is gone.
func TestDeletedApplication(t *testing.T) {
	t.Parallel()
	var j toldTo
	flow := Flow{Journal: &j, Now: func() time.Time { return time.Unix(9, 0) }}
	var mem Memory
	opened := metav1.NewTime(time.Unix(7, 0))
	mem.reopen(v1alpha1.ApplicationStatus{Drift: &v1alpha1.DriftSummary{Changes: []v1alpha1.DriftChange{
		{Kind: "ConfigMap", Namespace: "shop", Name: "b", Path: "data.x", Manager: "kubectl", FoundAt: &opened},
		{Kind: "ConfigMap", Namespace: "shop", Name: "a"},
	}}})
	flow.Deleted(t.Context(), "agent", "shop", &mem)
	flow.Deleted(t.Context(), "agent", "shop", &mem)
	var got []string
	for _, e := range j.events {
		got = append(got, fmt.Sprintf("%s %s %s %s %q %t", e.App, e.Moment, e.How, e.Key.Short(), e.path(), e.FoundAt.IsZero()))
	}
	if diff := cmp.Diff([]string{`agent/shop closed deleted ConfigMap shop/a "" true`, `agent/shop closed deleted ConfigMap shop/b "data.x" false`}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
