package appset

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// Changes turn the applications that a set has into those it wants.
type Changes struct {
	Create, Update, Delete []v1alpha1.Application
}

// Diff compares the applications of a set that exist with those it expands
// to, under its sync policy. Updates keep what is not the set's: status,
// operations, and the keys that the set preserves. A set at rest gives no
// changes.
func Diff(set *v1alpha1.ApplicationSet, existing, wanted []v1alpha1.Application) Changes {
	updates, deletes := policy(set)
	have := map[string]v1alpha1.Application{}
	for _, app := range existing {
		have[app.Name] = app
	}
	var out Changes
	keep := map[string]bool{}
	for _, want := range wanted {
		keep[want.Name] = true
		old, ok := have[want.Name]
		switch {
		case !ok:
			out.Create = append(out.Create, want)
		case ok && updates:
			if next, changed := updated(set, old, want); changed {
				out.Update = append(out.Update, next)
			}
		}
	}
	for _, app := range existing {
		if deletes && !keep[app.Name] && app.DeletionTimestamp == nil {
			out.Delete = append(out.Delete, app)
		}
	}
	return out
}

// policy tells what a set may do to applications besides creating them.
func policy(set *v1alpha1.ApplicationSet) (updates, deletes bool) {
	mode := ""
	if p := set.Spec.SyncPolicy; p != nil && p.ApplicationsSync != nil {
		mode = *p.ApplicationsSync
	}
	switch mode {
	case "create-only":
		return false, false
	case "create-update":
		return true, false
	case "create-delete":
		return false, true
	}
	return true, true
}

// alwaysKept are annotations by which people and controllers speak to an
// application.
func alwaysKept() []string {
	return []string{"notified.notifications.argoproj.io", "argocd.argoproj.io/refresh", "argocd.argoproj.io/hydrate", "trueup.dev/refresh"}
}

func updated(set *v1alpha1.ApplicationSet, old, want v1alpha1.Application) (v1alpha1.Application, bool) {
	keepAnnotations, keepLabels := alwaysKept(), []string(nil)
	if p := set.Spec.PreservedFields; p != nil {
		keepAnnotations, keepLabels = append(keepAnnotations, p.Annotations...), p.Labels
	}
	next := *old.DeepCopy()
	next.Spec = want.Spec
	next.Annotations = kept(old.Annotations, want.Annotations, keepAnnotations)
	next.Labels = kept(old.Labels, want.Labels, keepLabels)
	next.Finalizers = finalizers(old.Finalizers, want.Finalizers)
	same := equality.Semantic.DeepEqual(old.Spec, next.Spec) && equal(old.Annotations, next.Annotations) &&
		equal(old.Labels, next.Labels) && slices.Equal(old.Finalizers, next.Finalizers)
	return next, !same
}

func equal(a, b map[string]string) bool { return len(a) == len(b) && maps.Equal(a, b) }

func kept(old, want map[string]string, keys []string) map[string]string {
	out := maps.Clone(want)
	for key, value := range old {
		if _, ok := out[key]; !ok && slices.Contains(keys, key) {
			if out == nil {
				out = map[string]string{}
			}
			out[key] = value
		}
	}
	return out
}

// finalizers replaces those that decide about an application's objects and
// leaves everybody else's.
func finalizers(old, want []string) []string {
	out := slices.Clone(want)
	for _, f := range old {
		if !strings.HasPrefix(f, Finalizer) && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}
