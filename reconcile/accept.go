package reconcile

import (
	"fmt"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/ignore"
)

// DriftAcceptanceExpired names acceptances whose date has passed.
const DriftAcceptanceExpired = "DriftAcceptanceExpired"

// acceptances are those of an application: the ones that count, those whose
// date has passed, and when the next one's will.
func acceptances(app *v1alpha1.Application, now time.Time) (active, expired []v1alpha1.DriftAcceptance, next time.Time) {
	if app.Spec.Drift == nil {
		return nil, nil, time.Time{}
	}
	for _, a := range app.Spec.Drift.Accept {
		if !a.Until.After(now) {
			expired = append(expired, a)
			continue
		}
		active = append(active, a)
		if next.IsZero() || a.Until.Time.Before(next) {
			next = a.Until.Time
		}
	}
	return active, expired, next
}

// acceptanceRule is the rule that an acceptance stands for: it names one
// object, so that patterns are not read in it.
func acceptanceRule(a v1alpha1.DriftAcceptance) (ignore.Rule, error) {
	name := AcceptanceName(a)
	switch {
	case a.Kind == "" || a.Name == "" || a.Path == "":
		return ignore.Rule{}, fmt.Errorf("needs kind, name and path")
	case strings.ContainsAny(a.Group+a.Kind, `*?[]{}\`):
		return ignore.Rule{}, fmt.Errorf("group and kind name one kind, without patterns")
	}
	return ignore.Rule{Name: name, Group: a.Group, Kind: a.Kind, Object: a.Name, Namespace: a.Namespace, Paths: []string{a.Path}}, nil
}

// AcceptanceName is the name of the rule that an acceptance stands for.
func AcceptanceName(a v1alpha1.DriftAcceptance) string {
	name := acceptedRule + AcceptedUntil(a.Until.Time)
	if a.Reason != "" {
		name += ": " + a.Reason
	}
	return name
}

// AcceptedUntil is a date where the time is the end of a day, and else a time.
func AcceptedUntil(at time.Time) string {
	if at = at.UTC(); at.Format(time.TimeOnly) == "23:59:59" {
		return at.Format(time.DateOnly)
	}
	return at.Format("2006-01-02 15:04 UTC")
}

// isAccepted reports the name of a rule that an acceptance stands for.
func isAccepted(rule string) bool { return strings.HasPrefix(rule, acceptedRule) }

// expiries tell of each acceptance that has expired.
func expiries(all []v1alpha1.DriftAcceptance) string {
	var lines []string
	for _, a := range all {
		subject := a.Kind + " " + strings.TrimPrefix(a.Namespace+"/"+a.Name, "/")
		line := fmt.Sprintf("%s %s was accepted until %s", subject, a.Path, AcceptedUntil(a.Until.Time))
		if a.Reason != "" {
			line += ": " + a.Reason
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// sooner is the shorter wait, where 0 is none.
func sooner(after time.Duration, next, now time.Time) time.Duration {
	if next.IsZero() {
		return after
	}
	left := max(next.Sub(now), time.Second)
	if after == 0 || left < after {
		return left
	}
	return after
}
