package plan

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/object"
)

// Refusal stops a whole plan: nothing of it may be applied.
type Refusal struct {
	// Rule is the guard's name.
	Rule string `json:"rule"`
	// Reason is one word for conditions and metrics.
	Reason string `json:"reason"`
	// Message says what was found and what to do about it.
	Message string `json:"message"`
}

// Guard is one named reason to refuse a plan.
type Guard struct {
	Name  string
	Check func(Input) []Refusal
}

// Guards returns the guards in the order in which their refusals are told,
// the broadest first.
func Guards() []Guard {
	return []Guard{
		{"RefuseEmpty", refuseEmpty},
		{"RefuseUnnamed", refuseUnnamed},
		{"RefuseForeignOwner", refuseForeignOwner},
	}
}

// refuseEmpty catches the broken generator, wrong path or empty branch that
// would wipe out an application.
func refuseEmpty(in Input) []Refusal {
	if len(in.Desired) > 0 || in.Policy.Deleting || in.Policy.AllowEmpty || !in.Policy.Prune {
		return nil
	}
	n := len(owned(in))
	if n == 0 {
		return nil
	}
	return []Refusal{{"RefuseEmpty", "EmptySource", fmt.Sprintf(
		"%s renders no objects, and pruning would delete all %d that the application has; "+
			"set syncPolicy.automated.allowEmpty if this is meant", revisionText(in), n)}}
}

func revisionText(in Input) string {
	if in.Revision == "" {
		return "the source"
	}
	return "revision " + in.Revision
}

// owned is the union of what was recorded and what carries our tracking id.
func owned(in Input) map[object.Key]bool {
	out := map[object.Key]bool{}
	for _, k := range in.Inventory {
		out[k] = true
	}
	for _, u := range in.Live {
		if app, ok := object.OwnerOf(u); ok && app == in.App {
			out[object.KeyOf(u)] = true
		}
	}
	return out
}

// refuseUnnamed catches objects that would be created anew by each sync.
func refuseUnnamed(in Input) []Refusal {
	var out []Refusal
	for _, u := range in.Desired {
		if u.GetName() != "" {
			continue
		}
		what := u.GetKind() + " has no name"
		if prefix := u.GetGenerateName(); prefix != "" {
			what = u.GetKind() + " with generateName " + prefix + " has no name of its own"
		}
		out = append(out, Refusal{"RefuseUnnamed", "NoName", what + ": only hooks may go without"})
	}
	return out
}

// refuseForeignOwner keeps two applications from fighting over one object.
func refuseForeignOwner(in Input) []Refusal {
	live := object.Index(in.Live)
	var out []Refusal
	for _, u := range in.Desired {
		key := object.KeyOf(u)
		if live[key] == nil || !in.selected(key) {
			continue
		}
		app, ok := object.OwnerOf(live[key])
		if !ok || app == in.App {
			continue
		}
		out = append(out, Refusal{"RefuseForeignOwner", "SharedResource", fmt.Sprintf(
			"%s belongs to application %s; %s declares it too", key, app, in.App)})
	}
	return out
}

// keeper is one named reason not to delete an object that is no longer
// desired. It returns "" where it has no objection.
type keeper struct {
	name string
	// warn: the owner did not ask for this, so tell them.
	warn  bool
	check func(Policy, *unstructured.Unstructured) string
}

// Spares says why an object that is described no more is not deleted; empty
// where it is.
func Spares(p Policy, live *unstructured.Unstructured) string {
	_, why := objection(p, live)
	return why
}

func objection(p Policy, live *unstructured.Unstructured) (keeper, string) {
	for _, k := range keepers() {
		if why := k.check(p, live); why != "" {
			return k, why
		}
	}
	return keeper{}, ""
}

// keepers returns the reasons in the order in which they are tried; the
// first one is told.
func keepers() []keeper {
	return []keeper{
		{"KeepHook", false, keepHook},
		{"KeepPruneOff", false, keepPruneOff},
		{"KeepOptedOut", false, keepOptedOut},
		{"KeepUnconfirmed", true, keepUnconfirmed},
		{"ProtectedPrune", true, keepProtected},
	}
}

func keepHook(_ Policy, live *unstructured.Unstructured) string {
	if hook := HookOf(live); hook != "" {
		return "it is a " + hook + " hook"
	}
	return ""
}

func keepPruneOff(p Policy, _ *unstructured.Unstructured) string {
	if !p.Prune && !p.Deleting {
		return "pruning is off"
	}
	return ""
}

func keepOptedOut(p Policy, live *unstructured.Unstructured) string {
	if !p.Deleting && option(live, "Prune") == "false" {
		return "its sync option Prune=false"
	}
	if p.Deleting && option(live, "Delete") == "false" {
		return "its sync option Delete=false"
	}
	if live.GetAnnotations()["helm.sh/resource-policy"] == "keep" {
		return "its Helm resource policy keep"
	}
	return ""
}

func keepUnconfirmed(p Policy, live *unstructured.Unstructured) string {
	name := "Prune"
	if p.Deleting {
		name = "Delete"
	}
	if option(live, name) == "confirm" && !p.PruneApproved {
		return "its sync option " + name + "=confirm waits for a person"
	}
	return ""
}

// keepProtected spares what takes other things along when it goes: the
// content of a namespace, all resources of a definition, data.
func keepProtected(_ Policy, live *unstructured.Unstructured) string {
	key := object.KeyOf(live)
	volume := key.Group == "" && (key.Kind == "PersistentVolumeClaim" || key.Kind == "PersistentVolume")
	if !isNamespace(key) && !isCRD(key) && !volume {
		return ""
	}
	if live.GetAnnotations()[AllowPrune] == "allow" {
		return ""
	}
	return "deleting a " + key.Kind + " takes more than itself along; annotate it " + AllowPrune + "=allow to permit it"
}
