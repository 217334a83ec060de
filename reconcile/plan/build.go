package plan

import (
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/revert"
	"github.com/trueup-dev/trueup/internal/health"
	"github.com/trueup-dev/trueup/internal/object"
)

// builder holds what several parts of making one plan look at.
type builder struct {
	in       Input
	live     map[object.Key]*unstructured.Unstructured
	desired  map[object.Key]*unstructured.Unstructured
	waves    map[object.Key]int
	found    map[object.Key]drift.Object
	defined  map[string]object.Key // by "group/Kind", the definition in this plan
	steps    []Step
	warnings []Warning
}

func newBuilder(in Input) *builder {
	b := &builder{
		in:      in,
		live:    object.Index(in.Live),
		desired: object.Index(in.Desired),
		waves:   hoist(in.Desired),
		found:   map[object.Key]drift.Object{},
		defined: map[string]object.Key{},
	}
	for _, o := range in.Report.Objects {
		b.found[o.Key()] = o
	}
	for _, u := range in.Desired {
		if key := object.KeyOf(u); isCRD(key) {
			b.defined[defines(u)] = key
		}
	}
	return b
}

// namespace adds the destination namespace, unless it is there or declared.
// It is not tracked: other applications may use it as well.
func (b *builder) namespace() {
	p := b.in.Policy
	key := object.Key{Kind: "Namespace", Name: p.Namespace}
	if !p.CreateNamespace || p.Namespace == "" || p.Deleting || b.desired[key] != nil || len(b.in.Desired) == 0 || p.Drifted && !b.recreates(p.Namespace) {
		return
	}
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
	u.SetName(p.Namespace)
	u.SetLabels(p.NamespaceLabels)
	u.SetAnnotations(p.NamespaceAnnotations)
	step := Step{Action: Create, Key: key, Wave: b.firstWave(), Reason: "CreateNamespace=true", Object: u}
	if live := b.live[key]; live != nil {
		if contains(live.GetLabels(), p.NamespaceLabels) && contains(live.GetAnnotations(), p.NamespaceAnnotations) {
			return
		}
		step.Action, step.Reason = Update, "managedNamespaceMetadata"
	}
	b.steps = append(b.steps, step)
}

// recreates reports whether something is to be created in a namespace.
func (b *builder) recreates(namespace string) bool {
	for key := range b.desired {
		if key.Namespace == namespace && b.live[key] == nil && !b.in.Absent[key] && b.in.selected(key) {
			return true
		}
	}
	return false
}

func (b *builder) firstWave() int {
	first, any := 0, false
	for w := range maps.Values(b.waves) {
		if !any || w < first {
			first, any = w, true
		}
	}
	return first
}

func contains(all, part map[string]string) bool {
	for k, v := range part {
		if got, ok := all[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// changes turns differences into steps, and holds back the ones whose turn
// has not come.
func (b *builder) changes() {
	wait, first := b.barrier()
	for _, u := range b.in.Desired {
		key := object.KeyOf(u)
		if key.Name == "" || !b.in.selected(key) {
			continue
		}
		step := Step{Key: key, Wave: b.waves[key], Object: u, Origin: b.in.Origins[key]}
		switch {
		case b.unknown(key), b.live[key] == nil && b.in.Absent[key]:
			continue
		case b.live[key] == nil:
			step.Action = Create
		case b.live[key].GetDeletionTimestamp() != nil && b.in.Policy.Drifted:
			continue
		case b.live[key].GetDeletionTimestamp() != nil:
			step.Action, step.Deferred, step.Reason = Create, true, "waits for the deletion of its predecessor"
		default:
			if !b.update(&step) {
				continue
			}
		}
		if wait != "" && step.Wave > first {
			step.Deferred, step.Reason = true, wait
		}
		b.undefined(&step)
		b.steps = append(b.steps, step)
	}
}

// update fills in what an Update takes away, and tells whether that is
// anything.
func (b *builder) update(step *Step) bool {
	found := b.found[step.Key]
	step.Fields = correctable(found)
	if len(step.Fields) == 0 {
		step.Object = nil
	}
	if b.in.Policy.RemoveUndeclared {
		if added := removable(found); len(added) > 0 {
			step.Fields = append(step.Fields, added...)
			r := b.in.Removals[step.Key]
			step.Remove, step.Version, step.APIVersion = r.Remove, r.Version, r.APIVersion
		}
	}
	step.Action, step.UID = Update, string(b.live[step.Key].GetUID())
	return len(step.Fields) > 0
}

// barrier finds the first wave that is not in sync and healthy; everything
// after it waits.
func (b *builder) barrier() (reason string, wave int) {
	if b.in.Policy.Drifted {
		return "", 0
	}
	for _, u := range b.in.Desired {
		key := object.KeyOf(u)
		if reason != "" && b.waves[key] >= wave {
			continue
		}
		if why := b.pending(u); why != "" {
			wave = b.waves[key]
			reason = fmt.Sprintf("waits for wave %d: %s %s", wave, key, why)
		}
	}
	return reason, wave
}

// pending says what an object still lacks. Suspended is enough: somebody
// asked for it.
func (b *builder) pending(u *unstructured.Unstructured) string {
	key := object.KeyOf(u)
	live := b.live[key]
	if b.unknown(key) {
		return "could not be compared"
	}
	if live == nil && b.in.Absent[key] {
		return ""
	}
	if live == nil {
		return "is missing"
	}
	if len(correctable(b.found[key])) > 0 {
		return "is not in sync"
	}
	if health.Ignored(u) || health.Ignored(live) {
		return ""
	}
	switch r := b.health(key); r.Status {
	case health.Healthy, health.Suspended:
		return ""
	default:
		return "is " + string(r.Status)
	}
}

// unknown reports an object of which nobody can say what a step would do.
func (b *builder) unknown(key object.Key) bool { return b.found[key].State == drift.Unknown }

func (b *builder) health(key object.Key) health.Result {
	if r, ok := b.in.Health[key]; ok {
		return r
	}
	return health.Of(b.live[key])
}

// undefined defers an object whose kind the cluster does not serve yet
// because its definition is part of the same plan.
func (b *builder) undefined(s *Step) {
	if s.Deferred {
		return
	}
	key, ok := b.defined[s.Key.Group+"/"+s.Key.Kind]
	if !ok {
		return
	}
	if live := b.live[key]; live == nil || b.health(key).Status != health.Healthy {
		s.Deferred, s.Reason = true, "waits for "+key.String()+" to be established"
	}
}

// prunes turns what we track but no longer want into Prune or Keep.
func (b *builder) prunes() {
	if b.in.Policy.Drifted {
		return
	}
	wait := ""
	for _, s := range b.steps {
		if s.Deferred {
			wait = "waits until everything is applied"
		}
	}
	if b.in.Policy.PruneLast && wait == "" {
		if why, _ := b.barrier(); why != "" || len(b.steps) > 0 {
			wait = "PruneLast waits until everything is healthy"
		}
	}
	for _, u := range b.in.Live {
		key := object.KeyOf(u)
		app, ok := object.OwnerOf(u)
		if !ok || app != b.in.App || !b.in.selected(key) || u.GetDeletionTimestamp() != nil {
			continue
		}
		if b.desired[key] != nil && !b.in.Policy.Deleting || b.unknown(key) {
			continue
		}
		step := Step{Action: Prune, Key: key, Wave: WaveOf(u), UID: string(u.GetUID())}
		if k, why := objection(b.in.Policy, u); why != "" {
			step.Action, step.Reason = Keep, why
			if k.warn {
				b.warnings = append(b.warnings, Warning{k.name, key.String() + " is kept: " + why})
			}
		} else if wait != "" {
			step.Deferred, step.Reason = true, wait
		}
		b.steps = append(b.steps, step)
	}
}

// removable returns what somebody added and what may be removed.
func removable(o drift.Object) []drift.Field {
	var out []drift.Field
	for _, f := range o.Fields {
		if f.Class == drift.Undeclared && revert.Kept(f) == "" {
			out = append(out, f)
		}
	}
	return out
}

// correctable returns the differences that applying removes: the declared
// and the removed ones. A field that somebody added stays whatever we apply, so a step for
// it would repeat for ever. Values of Secrets are masked by drift already.
func correctable(o drift.Object) []drift.Field {
	var out []drift.Field
	for _, f := range o.Fields {
		if f.ToSync() {
			out = append(out, f)
		}
	}
	return out
}
