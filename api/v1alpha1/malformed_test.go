package v1alpha1_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// TestOneSetIsMalformed: a list with it can be read, and of it what can be.
func TestOneSetIsMalformed(t *testing.T) {
	t.Parallel()
	const text = `{"items": [
		{"metadata": {"name": "good"}, "spec": {"generators": [{"list": {"elements": [{"a": 1}]}}], "template": {"metadata": {"name": "x"}, "spec": {}}}},
		{"metadata": {"name": "bad", "uid": "7"}, "spec": {"generators": [{"list": {"elements": {"a": "b"}}}], "syncPolicy": {"preserveResourcesOnDeletion": true},
			"template": {"spec": {"syncPolicy": {"automated": {"prune": "{{.prune}}"}}}}}, "status": {"resources": [{"name": "web"}]}}]}`
	var list v1alpha1.ApplicationSetList
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 2 || list.Items[0].Malformed != "" || len(list.Items[0].Spec.Generators) != 1 {
		t.Fatalf("%+v", list.Items)
	}
	bad := list.Items[1]
	want := "spec.generators[0].list.elements: it is an object, and must be a list; spec.template.spec.syncPolicy.automated.prune: it is a text, and must be true or false"
	if diff := cmp.Diff(want, bad.Malformed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if bad.Name != "bad" || bad.UID != "7" || !bad.Spec.SyncPolicy.PreserveResourcesOnDeletion || len(bad.Status.Resources) != 1 || bad.Spec.Generators != nil {
		t.Errorf("of it is read: %+v", bad)
	}
	if err := json.Unmarshal([]byte(`{"metadata": 1}`), &bad); err == nil {
		t.Error("metadata that is none is read")
	}
}

// TestUnknownFields: what a schema leaves open may say what nobody knows.
func TestUnknownFields(t *testing.T) {
	t.Parallel()
	const text = `{"metadata": {"name": "a", "nosuch": 1}, "spec": {"nosuch": 1, "generators": [{"matrix": {"generators": [{"lists": {}}, {"list": {"elements": [{"free": 1}]}}]}}],
		"template": {"spec": {"projects": "x"}}}, "status": {"nosuch": 1}}`
	var set v1alpha1.ApplicationSet
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		t.Fatal(err)
	}
	want := []string{"spec.nosuch", "spec.generators[0].matrix.generators[0].lists", "spec.template.spec.projects"}
	if diff := cmp.Diff(want, set.Unknown); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
