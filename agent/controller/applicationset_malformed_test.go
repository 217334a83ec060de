package controller

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/lifecycle"
)

// spoil puts the bench's spec into a set as a reader of the API server would
// find it.
func (b *bench) spoil(o client.Object) error {
	set, ok := o.(*v1alpha1.ApplicationSet)
	if !ok || b.spec == "" {
		return nil
	}
	set.Generation++ // somebody wrote that spec
	parts := map[string]any{"metadata": set.ObjectMeta, "status": set.Status, "spec": json.RawMessage(b.spec)}
	data, err := json.Marshal(parts)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, set)
}

// spoiled is a set's spec in which fields are replaced.
func spoiled(t *testing.T, set *v1alpha1.ApplicationSet, fields map[string]any) string {
	t.Helper()
	data, err := json.Marshal(set.Spec)
	if err != nil {
		t.Fatal(err)
	}
	var spec map[string]any
	if err := json.Unmarshal(data, &spec); err != nil {
		t.Fatal(err)
	}
	for name, value := range fields {
		spec[name] = value
	}
	if data, err = json.Marshal(spec); err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// applications gives the finalizers of each application.
func (b *bench) applications() map[string][]string {
	b.t.Helper()
	var list v1alpha1.ApplicationList
	if err := b.store.List(b.t.Context(), &list); err != nil {
		b.t.Fatal(err)
	}
	out := map[string][]string{}
	for _, app := range list.Items {
		out[app.Name] = app.Finalizers
	}
	return out
}

// TestMalformedSet: it says what is wrong with it, and all that it has stays.
func TestMalformedSet(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		wrong map[string]any
		want  string
	}{
		"a generator": {
			map[string]any{"generators": []any{map[string]any{"list": map[string]any{"elements": "none"}}}},
			"expand ApplicationSet shop: spec.generators[0].list.elements: it is a text, and must be a list",
		},
		"the strategy": {
			map[string]any{"strategy": map[string]any{"rollingSync": []any{}}},
			"expand ApplicationSet shop: spec.strategy.rollingSync: it is a list, and must be an object",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, rolling())
			for range 2 {
				if _, err := b.look(); err != nil {
					t.Fatal(err)
				}
			}
			before, apps := b.set(), b.applications()
			b.spec = spoiled(t, before, c.wrong)
			if _, err := b.look(); err != nil {
				t.Fatal(err)
			}
			set := b.set()
			told := apimeta.FindStatusCondition(set.Status.Conditions, lifecycle.ErrorOccurred)
			if told == nil || told.Reason != "ExpansionFailed" || told.Message != c.want {
				t.Errorf("the condition reads %+v", told)
			}
			if diff := cmp.Diff(apps, b.applications()); diff != "" {
				t.Errorf("the applications (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(before.Finalizers, set.Finalizers); diff != "" {
				t.Errorf("the finalizers of the set (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(before.Status.ApplicationStatus, set.Status.ApplicationStatus); diff != "" {
				t.Errorf("the steps (-before +after):\n%s", diff)
			}
			if got, err := b.look(); len(got) > 0 || err != nil {
				t.Errorf("the second time there is %v, %v", got, err)
			}
		})
	}
}

// TestMalformedSetIsDeleted: what can be read of it still counts.
func TestMalformedSetIsDeleted(t *testing.T) {
	t.Parallel()
	set := rolling()
	set.Spec.SyncPolicy = &v1alpha1.ApplicationSetSyncPolicy{PreserveResourcesOnDeletion: true}
	b := newBench(t, set)
	for range 2 {
		if _, err := b.look(); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(map[string][]string{"dev": nil, "prod": nil}, b.applications()); diff != "" {
		t.Fatalf("the finalizers (-want +got):\n%s", diff)
	}
	b.spec = spoiled(t, b.set(), map[string]any{"generators": "none"})
	if err := b.store.Delete(t.Context(), b.set()); err != nil {
		t.Fatal(err)
	}
	var order []string
	for range 5 {
		writes, err := b.look()
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range writes {
			if name, ok := strings.CutPrefix(w, "delete "); ok {
				order = append(order, name)
			}
		}
	}
	if diff := cmp.Diff([]string{"prod", "dev"}, order); diff != "" {
		t.Errorf("the order of deletion (-want +got):\n%s", diff)
	}
	if err := b.store.Get(t.Context(), client.ObjectKeyFromObject(set), &v1alpha1.ApplicationSet{}); !apierrors.IsNotFound(err) {
		t.Errorf("the set is still there: %v", err)
	}
	if slices.ContainsFunc(b.writes, func(w string) bool { return strings.HasPrefix(w, "create") }) {
		t.Errorf("a set that goes writes %v", b.writes)
	}
}
