package plan

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/revert"
	"github.com/trueup-dev/trueup/internal/health"
	"github.com/trueup-dev/trueup/internal/object"
)

// Action is what a step does to one object.
type Action string

// The closed set of actions.
const (
	Create Action = "create"
	Update Action = "update"
	Prune  Action = "prune"
	// Keep stands for a prune that policy forbids; nothing is done.
	Keep Action = "keep"
)

// Plan is everything that a sync of one application would do, in order.
type Plan struct {
	App      string    `json:"app"`
	Revision string    `json:"revision"`
	Steps    []Step    `json:"steps"`
	Refusals []Refusal `json:"refusals,omitempty"`
	Warnings []Warning `json:"warnings,omitempty"`
}

// Step changes one object, or says why it does not.
type Step struct {
	Action Action     `json:"action"`
	Key    object.Key `json:"key"`
	Wave   int        `json:"wave"`
	// Deferred steps wait for the ones of earlier waves: a later plan, made
	// when those are healthy, runs them. So no worker ever waits.
	Deferred bool   `json:"deferred,omitempty"`
	Reason   string `json:"reason,omitempty"`
	// Fields are the differences that an Update takes away: by an apply, but for
	// those that only live has, which are removed.
	Fields []drift.Field `json:"fields,omitempty"`
	// Remove says where hand-added values stand in Version, the resource version
	// of the live object; no other version is touched.
	Remove  []revert.Removal `json:"remove,omitempty"`
	Version string           `json:"version,omitempty"`
	// APIVersion is the one that Remove is about.
	APIVersion string `json:"-"`
	// Origin is where Object is described, as far as it is known.
	Origin string `json:"origin,omitempty"`
	// Object is what Create and Update apply; nil where there is only something
	// to remove.
	Object *unstructured.Unstructured `json:"-"`
	// UID is the live object's; a delete must hit this one and no successor.
	UID string `json:"uid,omitempty"`
}

// Warning is something a person should know that stops nothing.
type Warning struct {
	// Rule names the kind of warning: RepeatedResource, ProtectedPrune, ...
	Rule    string `json:"rule"`
	Message string `json:"message"`
}

// Input is what a plan is made of.
type Input struct {
	// App is the name that tracking ids carry.
	App      string
	Revision string
	Desired  []*unstructured.Unstructured
	// Live holds the live objects of desired keys, the tracked ones that are
	// no longer desired, and the destination namespace where it exists.
	// Their metadata is enough where Health has the object.
	Live   []*unstructured.Unstructured
	Report drift.Report
	// Health of live objects; where one is not in it, it is read off Live.
	Health map[object.Key]health.Result
	// Inventory lists what the application is known to have applied.
	Inventory []object.Key
	Policy    Policy
	// Origins tell where desired objects are described.
	Origins map[object.Key]string
	// Absent are desired objects that are not live and stay so.
	Absent map[object.Key]bool
	// Removals are known once an object was read for them. Until then a plan
	// tells what is to be removed, and not where it stands.
	Removals map[object.Key]Removals
}

// Removals are hand-added values of one version of an object.
type Removals struct {
	APIVersion, Version string
	Remove              []revert.Removal
}

// Policy is what the application's owner decided.
type Policy struct {
	Prune      bool
	AllowEmpty bool
	// PruneLast holds prunes back until everything else is healthy.
	PruneLast bool
	// PruneApproved is a person's answer to Prune=confirm and Delete=confirm.
	PruneApproved bool
	// Deleting means that the application itself goes away.
	Deleting bool
	// CreateNamespace adds Namespace where it is absent.
	CreateNamespace      bool
	Namespace            string
	NamespaceLabels      map[string]string
	NamespaceAnnotations map[string]string
	// Only limits the steps to some objects; empty means all.
	Only []object.Key
	// RemoveUndeclared takes away what somebody added that Git does not mention.
	RemoveUndeclared bool
	// Drifted limits the plan to the differences of its report and to what is not
	// Absent: nothing is pruned, and no wave waits for another, since everything
	// was there before.
	Drifted bool
}

// Empty reports whether applying the plan would change nothing.
func (p Plan) Empty() bool { return p.Count(Create)+p.Count(Update)+p.Count(Prune) == 0 }

// Count counts the steps of one action, deferred ones included.
func (p Plan) Count(a Action) int {
	n := 0
	for _, s := range p.Steps {
		if s.Action == a {
			n++
		}
	}
	return n
}

// Deferred counts the steps that wait for earlier waves.
func (p Plan) Deferred() int {
	n := 0
	for _, s := range p.Steps {
		if s.Deferred {
			n++
		}
	}
	return n
}

// Group is a run of steps that may be done at the same time.
type Group struct {
	Wave  int
	Prune bool
	Steps []Step
}

// Groups cuts the steps that are to be run into groups, in order. Keeps and
// deferred steps are in none.
func (p Plan) Groups() []Group {
	var groups []Group
	last := -1
	for _, s := range p.Steps {
		if s.Deferred || s.Action == Keep {
			continue
		}
		class, prune := kindRank(s.Key), s.Action == Prune
		n := len(groups)
		if n > 0 && groups[n-1].Wave == s.Wave && groups[n-1].Prune == prune && last == class {
			groups[n-1].Steps = append(groups[n-1].Steps, s)
			continue
		}
		groups = append(groups, Group{Wave: s.Wave, Prune: prune, Steps: []Step{s}})
		last = class
	}
	return groups
}

// Make plans. It is pure: the same input gives the same plan, and neither
// the input's slices nor its objects are changed.
func Make(in Input) Plan {
	p := Plan{App: in.App, Revision: in.Revision}
	desired, warnings := unrepeated(in.Desired)
	p.Warnings = warnings
	in.Desired, warnings = withoutHooks(desired)
	p.Warnings = append(p.Warnings, warnings...)

	for _, g := range Guards() {
		p.Refusals = append(p.Refusals, g.Check(in)...)
	}
	p.Warnings = append(p.Warnings, ignoredOptions(in.Desired)...)
	b := newBuilder(in)
	b.namespace()
	b.changes()
	b.prunes()
	p.Steps = b.ordered()
	p.Warnings = append(p.Warnings, b.warnings...)
	return p
}

// unrepeated keeps the last object of each key, as later sources win.
func unrepeated(objects []*unstructured.Unstructured) ([]*unstructured.Unstructured, []Warning) {
	var warnings []Warning
	last := map[object.Key]int{}
	for i, u := range objects {
		last[object.KeyOf(u)] = i
	}
	var out []*unstructured.Unstructured
	warned := map[object.Key]bool{}
	for i, u := range objects {
		key := object.KeyOf(u)
		if last[key] == i || u.GetName() == "" {
			out = append(out, u)
			continue
		}
		if !warned[key] {
			warned[key] = true
			warnings = append(warnings, Warning{"RepeatedResource", key.String() + " is declared more than once; the last declaration wins"})
		}
	}
	return out, warnings
}

func withoutHooks(objects []*unstructured.Unstructured) ([]*unstructured.Unstructured, []Warning) {
	var out []*unstructured.Unstructured
	var warnings []Warning
	for _, u := range objects {
		hook := HookOf(u)
		if hook == "" {
			out = append(out, u)
			continue
		}
		if hook != "Skip" {
			warnings = append(warnings, Warning{"HookNotRun", object.KeyOf(u).String() + " is a " + hook + " hook; hooks are not run"})
		}
	}
	return out, warnings
}

func (in Input) selected(k object.Key) bool {
	return len(in.Policy.Only) == 0 || slices.Contains(in.Policy.Only, k)
}
