package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/preview/risk"
)

// Subject is what happens to an object. Before and After are its manifests;
// nil is none. They are read only.
type Subject struct {
	// Action is create, update or delete; an object that gets another name is
	// updated.
	Action                          string
	Application, Namespace, Cluster string
	Key                             object.Key
	Before, After                   map[string]any
	Paths                           []string
}

// standing is the subject as base has it: nothing happens.
func (s Subject) standing() Subject {
	s.After, s.Paths, s.Action = s.Before, nil, "update"
	return s
}

// Violation is a policy that is not met.
type Violation struct {
	// Policy is its name, such as main.deny_latest.
	Policy  string
	Level   Level
	Message string
	// Origin is its file and line.
	Origin string
	// Change says that it is about the change, and not about what will be: base
	// cannot have it.
	Change bool
}

// Level is how grave a violation is by the policy's own account.
type Level string

// The levels: the kinds of rules, and severities where the policy names one.
const (
	Deny Level = "deny"
	Warn Level = "warn"
	Note Level = "note"
)

// LevelOf reads the severity that a policy names; ok is false for words that
// are none.
func LevelOf(word string) (level Level, ok bool) {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "critical", "high", "error", "deny":
		return Deny, true
	case "warning", "warn", "medium":
		return Warn, true
	case "notice", "low", "info", "audit":
		return Note, true
	}
	return "", false
}

// rule is the rule of the risk list that stands for a level.
func (l Level) rule() string {
	switch l {
	case Warn:
		return "policy-warn"
	case Note:
		return "policy-audit"
	case Deny:
	}
	return "policy-deny"
}

// Engine judges objects.
type Engine interface {
	// Judge tells what is wrong with the subject as it will be, or with its
	// going away. What could not be evaluated are the errors, each with the
	// policy's name, its place and the cause.
	Judge(ctx context.Context, s Subject) ([]Violation, []error)
}

// Verdict is what policies say about one subject.
type Verdict struct {
	// New counts; Standing is violated on base already.
	New, Standing []risk.Finding
	// Unknown is what could not be evaluated on base either.
	Unknown []string
}

// Set is policies with the severities that their kinds of rules have.
type Set struct {
	engines []Engine
	risks   *risk.Set
}

// NewSet makes a Set.
func NewSet(risks *risk.Set, engines ...Engine) *Set { return &Set{engines, risks} }

// most bounds the violations of one subject.
const most = 100

// Judge holds a subject against all policies.
func (s *Set) Judge(ctx context.Context, subject Subject) Verdict {
	var v Verdict
	for _, e := range s.engines {
		found, failed := e.Judge(ctx, subject)
		if len(found)+len(failed) == 0 {
			continue
		}
		had, broken := map[string]bool{}, map[string]bool{}
		if subject.Before != nil && subject.Action != "delete" {
			before, failures := e.Judge(ctx, subject.standing())
			for _, b := range before {
				had[b.Policy+"\x00"+b.Message] = true
			}
			for _, err := range failures {
				broken[err.Error()] = true
			}
		}
		for _, f := range found {
			finding := s.finding(subject, f.Level.rule(), text(f))
			if had[f.Policy+"\x00"+f.Message] && !f.Change {
				v.Standing = append(v.Standing, finding...)
			} else {
				v.New = append(v.New, finding...)
			}
		}
		for _, err := range failed {
			if broken[err.Error()] {
				v.Unknown = append(v.Unknown, err.Error())
				continue
			}
			v.New = append(v.New, s.finding(subject, "policy-error", err.Error())...)
		}
	}
	v.New, v.Standing = bounded(v.New), bounded(v.Standing)
	return v
}

func bounded(all []risk.Finding) []risk.Finding {
	all = risk.Sort(all)
	if len(all) > most {
		all = append(all[:most:most], risk.Finding{Rule: all[most].Rule, Severity: all[most].Severity, Message: fmt.Sprintf("%d more violations", len(all)-most)})
	}
	return all
}

// finding is empty where the rule is off.
func (s *Set) finding(subject Subject, rule, message string) []risk.Finding {
	severity := s.risks.Severity(rule)
	if severity == risk.Off {
		return nil
	}
	return []risk.Finding{{
		Rule: rule, Severity: severity, Message: message,
		Application: subject.Application, Cluster: subject.Cluster, Object: subject.Key.Short(),
	}}
}

// maxMessage bounds what a policy says, in characters.
const maxMessage = 1000

func text(v Violation) string {
	message := strings.TrimSpace(v.Message)
	if runes := []rune(message); len(runes) > maxMessage {
		message = string(runes[:maxMessage]) + "…"
	}
	where := v.Policy
	if v.Origin != "" {
		where += ", " + v.Origin
	}
	return cmp.Or(message, "is not met") + " (policy " + where + ")"
}

// File is a file of policies.
type File struct {
	Name string
	Data []byte
}

// Changed tells, in words, what differs between two sets of files; empty where
// nothing does.
func Changed(base, head []File) string {
	before, after := map[string]string{}, map[string]string{}
	for _, f := range base {
		before[f.Name] = string(f.Data)
	}
	for _, f := range head {
		after[f.Name] = string(f.Data)
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(before)) {
		switch now, ok := after[name]; {
		case !ok:
			parts = append(parts, name+" is removed")
		case now != before[name]:
			parts = append(parts, name+" is changed")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, ok := before[name]; !ok {
			parts = append(parts, name+" is new")
		}
	}
	const few = 10
	if n := len(parts); n > few {
		parts = append(parts[:few], fmt.Sprintf("and %d more", n-few))
	}
	return strings.Join(parts, ", ")
}

// Problem is a policy that cannot be used, in one line.
func Problem(place string, err error) string {
	return fmt.Sprintf("the policy %s is not used: %s", place, strings.Join(strings.Fields(errors.Join(err).Error()), " "))
}
