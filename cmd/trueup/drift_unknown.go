package main

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/output"
)

// maxProblems bounds the applications whose problem is told.
const maxProblems = 10

// problems says why applications are not compared now. Those with the same
// problem are told once.
func (v driftView) problems(b *strings.Builder, apps []v1alpha1.Application) {
	var order []string
	names := map[string][]string{}
	for i := range apps {
		problem := output.FromStatus(&apps[i]).Problem
		if problem == "" || apps[i].Status.Sync.Status != v1alpha1.SyncStatusCodeUnknown {
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

// age is how long something has lasted. The clock of a cluster may be ahead of
// ours: then it has only just begun.
func age(now, since time.Time) string { return duration.HumanDuration(max(0, now.Sub(since))) }
