package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/output"
	"github.com/trueup-dev/trueup/reconcile"
)

// maxProblems bounds the applications whose problem is told.
const maxProblems = 10

// problems says why applications are not compared now. Those with the same
// problem are told once, and what concerns single objects is told with them.
func (v driftView) problems(b *strings.Builder, apps []v1alpha1.Application) {
	var order []string
	names := map[string][]string{}
	for i := range apps {
		problem := output.FromStatus(&apps[i]).Problem
		never := apps[i].Status.Drift == nil
		if problem == "" || !never && apps[i].Status.Sync.Status != v1alpha1.SyncStatusCodeUnknown || inPart(&apps[i]) {
			continue
		}
		if names[problem] == nil {
			order = append(order, problem)
		}
		names[problem] = append(names[problem], apps[i].Name)
	}
	for _, problem := range order[:min(maxProblems, len(order))] {
		all := names[problem]
		text := strings.Join(all[:min(3, len(all))], ", ")
		if len(all) > 3 {
			text += fmt.Sprintf(" and %d more", len(all)-3)
		}
		fmt.Fprintf(b, "%s %s  %s\n", v.palette.yellow("?"), v.palette.bold(text), problem)
	}
	if more := len(order) - maxProblems; more > 0 {
		fmt.Fprintf(b, "and %s more\n", plural(more, "problem"))
	}
}

// inPart reports an application of which only single objects could not be
// compared.
func inPart(app *v1alpha1.Application) bool {
	if c := meta.FindStatusCondition(app.Status.Conditions, reconcile.ComparisonError); c != nil {
		return c.Reason == reconcile.ObjectsUnknown
	}
	return slices.ContainsFunc(app.Status.Resources, func(r v1alpha1.ResourceStatus) bool { return r.Status == v1alpha1.SyncStatusCodeUnknown })
}

// age is how long something has lasted. The clock of a cluster may be ahead of
// ours: then it has only just begun.
func age(now, since time.Time) string { return duration.HumanDuration(max(0, now.Sub(since))) }
