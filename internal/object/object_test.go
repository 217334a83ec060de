package object

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestKeyString(t *testing.T) {
	t.Parallel()
	tests := map[string]Key{
		"apps/Deployment shop/web": {Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"},
		"Service shop/web":         {Kind: "Service", Namespace: "shop", Name: "web"},
		"Namespace shop":           {Kind: "Namespace", Name: "shop"},
	}
	for want, key := range tests {
		if got := key.String(); got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}
}

func TestPathString(t *testing.T) {
	t.Parallel()
	containers := Path{}.Child("spec").Child("containers")
	tests := map[string]Path{
		"":                            nil,
		"spec.containers[name=web]":   containers.Item(KeyValue{"name", "web"}),
		"spec.containers[0].image":    containers.At(0).Child("image"),
		`spec.containers[name="a b"]`: containers.Item(KeyValue{"name", "a b"}),
		"spec.ports[containerPort=80,protocol=TCP]": Path{}.Child("spec").Child("ports").
			Item(KeyValue{"containerPort", int64(80)}, KeyValue{"protocol", "TCP"}),
		`metadata.labels["app.kubernetes.io/name"]`: Path{}.Child("metadata").Child("labels").Child("app.kubernetes.io/name"),
		`data["a=b"]`: Path{}.Child("data").Child("a=b"),
		`data[""]`:    Path{}.Child("data").Child(""),
	}
	for want, path := range tests {
		if got := path.String(); got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}
}

func TestPathsDoNotShareMemory(t *testing.T) {
	t.Parallel()
	base := make(Path, 0, 8).Child("spec")
	a, b := base.Child("a"), base.Child("b")
	if diff := cmp.Diff([]string{"spec.a", "spec.b"}, []string{a.String(), b.String()}); diff != "" {
		t.Errorf("siblings overwrite each other (-want +got):\n%s", diff)
	}
}

func TestOwnerOf(t *testing.T) {
	t.Parallel()
	deployment := func(annotation string) *unstructured.Unstructured {
		u := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment",
			"metadata": map[string]any{"namespace": "shop", "name": "web"},
		}}
		if annotation != "" {
			u.SetAnnotations(map[string]string{TrackingAnnotation: annotation})
		}
		return u
	}
	tests := map[string]struct {
		annotation, want string
		ok               bool
	}{
		"its own id":                        {"web:apps/Deployment:shop/web", "web", true},
		"an id copied from another object":  {"web:apps/ReplicaSet:shop/web", "", false},
		"an id copied to another namespace": {"web:apps/Deployment:other/web", "", false},
		"no id":                             {"", "", false},
		"half an id":                        {"web:apps", "", false},
		"no application":                    {":apps/Deployment:shop/web", "", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := OwnerOf(deployment(tc.annotation))
			if got != tc.want || ok != tc.ok {
				t.Errorf("OwnerOf = %q, %v; want %q, %v", got, ok, tc.want, tc.ok)
			}
		})
	}
}

func TestTrackIsReadBack(t *testing.T) {
	t.Parallel()
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "shop"},
	}}
	Track(u, "team_web")
	if app, ok := OwnerOf(u); !ok || app != "team_web" {
		t.Errorf("OwnerOf after Track = %q, %v", app, ok)
	}
	if u.GetLabels()[ManagedLabel] != "true" {
		t.Error("Track left the managed label out")
	}
}
