package plan

import (
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/object"
)

// AllowPrune is the annotation that lifts the protection of a Namespace, a
// CustomResourceDefinition or a volume: "trueup.dev/prune: allow".
const AllowPrune = "trueup.dev/prune"

// annotation reads ours first and then Argo CD's of the same name.
func annotation(u *unstructured.Unstructured, name string) string {
	all := u.GetAnnotations()
	if v, ok := all["trueup.dev/"+name]; ok {
		return v
	}
	return all["argocd.argoproj.io/"+name]
}

// WaveOf returns the sync wave of an object, 0 where none is given or the
// value is not a number. Helm's weight of a hook is its wave.
func WaveOf(u *unstructured.Unstructured) int {
	if n, ok := weight(u); ok && annotation(u, "sync-wave") == "" {
		return n
	}
	n, err := strconv.Atoi(strings.TrimSpace(annotation(u, "sync-wave")))
	if err != nil {
		return 0
	}
	return n
}

// HookOf returns the phases an object is a hook of, and "" for ordinary
// objects. Helm's hooks count for what Argo CD takes them for, and do not
// count at all beside Argo CD's.
func HookOf(u *unstructured.Unstructured) string {
	if hook := strings.TrimSpace(annotation(u, "hook")); hook != "" {
		return hook
	}
	return fromHelm(u.GetAnnotations()[helmHook])
}

// option reads one of an object's own sync options, such as Prune=false.
func option(u *unstructured.Unstructured, name string) string {
	for item := range strings.SplitSeq(annotation(u, "sync-options"), ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(item), "=")
		if key == name {
			return value
		}
	}
	return ""
}

// OptionOf reads one of an object's own sync options; nil has none.
func OptionOf(u *unstructured.Unstructured, name string) string {
	if u == nil {
		return ""
	}
	return option(u, name)
}

// ignoredOptions names the objects' own sync options that change nothing here.
// What we do in any case needs no word.
func ignoredOptions(objects []*unstructured.Unstructured) []Warning {
	var out []Warning
	for _, u := range objects {
		for item := range strings.SplitSeq(annotation(u, "sync-options"), ",") {
			switch item = strings.ReplaceAll(item, " ", ""); item {
			case "", "Prune=true", "Prune=false", "Prune=confirm", "Delete=true", "Delete=false", "Delete=confirm",
				"Validate=true", "ServerSideApply=true", "SkipDryRunOnMissingResource=true", "ApplyOutOfSyncOnly=true", "Replace=false", "Force=false":
			default:
				out = append(out, Warning{"SyncOptionIgnored", object.KeyOf(u).String() + ": its sync option " + item + " has no effect"})
			}
		}
	}
	return out
}

// Option reads one of an application's sync options; the last one wins.
func Option(options []string, name string) string {
	for _, item := range slices.Backward(options) {
		if key, value, _ := strings.Cut(strings.TrimSpace(item), "="); key == name {
			return value
		}
	}
	return ""
}
