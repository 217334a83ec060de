package lifecycle

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/ignore"
)

// ownFinalizer is trueup's name for appset.Finalizer.
const ownFinalizer = "trueup.dev/resources"

// RollingSync is the strategy that syncs applications step by step.
const RollingSync = "RollingSync"

// Rolls reports whether a set's applications are synced step by step.
func Rolls(set *v1alpha1.ApplicationSet) bool {
	s := set.Spec.Strategy
	return s != nil && s.Type == RollingSync && s.RollingSync != nil && len(s.RollingSync.Steps) > 0
}

// alwaysKept are annotations by which people and controllers speak to an
// application.
func alwaysKept() []string {
	return []string{
		"notified.notifications.argoproj.io", "argocd.argoproj.io/refresh", "argocd.argoproj.io/hydrate", "argocd.argoproj.io/deletion-approved",
		"trueup.dev/refresh", "trueup.dev/deletion-approved",
	}
}

// shaped is an application as the set stores it.
func shaped(set *v1alpha1.ApplicationSet, app *v1alpha1.Application) v1alpha1.Application {
	out := *app.DeepCopy()
	out.Namespace = set.Namespace
	out.OwnerReferences = []metav1.OwnerReference{controller(set)}
	normalise(&out.Spec)
	if p := out.Spec.SyncPolicy; Rolls(set) && p.IsAutomated() {
		p.Automated.Enabled = new(false) // the steps say when
	}
	return out
}

// normalise takes out of a spec what means the same as nothing.
func normalise(s *v1alpha1.ApplicationSpec) {
	if s.Project == "" {
		s.Project = defaultProject
	}
	if s.Source != nil {
		normaliseSource(s.Source)
	}
	for i := range s.Sources {
		normaliseSource(&s.Sources[i])
	}
	if zero(s.SyncPolicy) {
		s.SyncPolicy = nil
	}
}

func normaliseSource(s *v1alpha1.ApplicationSource) {
	if zero(s.Helm) {
		s.Helm = nil
	}
	if zero(s.Kustomize) {
		s.Kustomize = nil
	}
	if zero(s.Directory) {
		s.Directory = nil
	}
}

// zero reports a block in which nothing is set, empty lists included.
func zero[T any](block *T) bool {
	return block != nil && equality.Semantic.DeepEqual(*block, *new(T))
}

// updated is an existing application as the set wants it. What is not the
// set's stays: the status, operations, the keys that the set preserves, the
// fields that it ignores, and finalizers that others put there.
func updated(ctx context.Context, set *v1alpha1.ApplicationSet, ignores ignore.Rules, old, want *v1alpha1.Application) (v1alpha1.Application, bool, error) {
	keepAnnotations, keepLabels := alwaysKept(), []string(nil)
	if p := set.Spec.PreservedFields; p != nil {
		keepAnnotations, keepLabels = append(keepAnnotations, p.Annotations...), p.Labels
	}
	// Only what differs is worth a copy of the whole, its status included.
	next := v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: old.Name, Namespace: old.Namespace}, Spec: want.Spec}
	next.Annotations = kept(old.Annotations, want.Annotations, keepAnnotations)
	next.Labels = kept(old.Labels, want.Labels, keepLabels)
	next.Finalizers = finalizers(old.Finalizers, want.Finalizers)
	if err := ignores.Carry(ctx, old, &next); err != nil {
		return next, false, err
	}
	spec, same := sameSpec(&old.Spec, &next.Spec)
	controlled := metav1.GetControllerOf(old) != nil
	if same && controlled && equal(old.Annotations, next.Annotations) && equal(old.Labels, next.Labels) && sameSet(old.Finalizers, next.Finalizers) {
		return *old, false, nil
	}
	out := *old.DeepCopy()
	out.Spec, out.Annotations, out.Labels, out.Finalizers = *spec.DeepCopy(), next.Annotations, next.Labels, next.Finalizers
	if !controlled {
		out.OwnerReferences = append(out.OwnerReferences, controller(set))
	}
	return out, true, nil
}

// sameSpec compares what two specs mean. It gives the one to store: the old
// one where nothing differs.
func sameSpec(old, want *v1alpha1.ApplicationSpec) (*v1alpha1.ApplicationSpec, bool) {
	if equality.Semantic.DeepEqual(old, want) {
		return old, true
	}
	a, b := old.DeepCopy(), want.DeepCopy()
	normalise(a)
	normalise(b)
	if equality.Semantic.DeepEqual(a, b) || reflect.DeepEqual(treeOf(a), treeOf(b)) {
		return old, true
	}
	return want, false
}

// treeOf is a value as decoded JSON: raw JSON in it is compared by what it
// says.
func treeOf(v any) any {
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error() // equal to nothing that can be decoded
	}
	var out any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		return err.Error()
	}
	return out
}

func equal(a, b map[string]string) bool { return len(a) == len(b) && maps.Equal(a, b) }

// kept is the wanted keys; of those to keep, what is there counts.
func kept(old, want map[string]string, keys []string) map[string]string {
	out := maps.Clone(want)
	for key, value := range old {
		if slices.Contains(keys, key) {
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
		if !strings.HasPrefix(f, appset.Finalizer) && f != ownFinalizer && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

func sameSet(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}
