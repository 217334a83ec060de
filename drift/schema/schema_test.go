package schema

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// at follows field names; "*" is an item of a list.
func at(t *Type, path ...string) *Type {
	for _, name := range path {
		if name == "*" {
			t = t.Item()
			continue
		}
		t = t.Field(name)
	}
	return t
}

func TestBuiltin(t *testing.T) {
	t.Parallel()
	set, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(set.Kinds()); n < 80 {
		t.Fatalf("only %d kinds", n)
	}
	deployment := schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	service := schema.GroupVersionKind{Version: "v1", Kind: "Service"}
	secret := schema.GroupVersionKind{Version: "v1", Kind: "Secret"}
	containers := []string{"spec", "template", "spec", "containers"}
	type shape struct {
		Scalar Scalar
		List   List
		Keys   []string
		Whole  bool
	}
	tests := map[string]struct {
		gvk  schema.GroupVersionKind
		path []string
		want shape
	}{
		"containers are keyed by name":             {deployment, containers, shape{List: ListMap, Keys: []string{"name"}}},
		"container ports need the protocol too":    {deployment, append(containers, "*", "ports"), shape{List: ListMap, Keys: []string{"containerPort", "protocol"}}},
		"arguments are one value":                  {deployment, append(containers, "*", "args"), shape{List: ListAtomic}},
		"limits are quantities":                    {deployment, append(containers, "*", "resources", "limits", "cpu"), shape{Scalar: Quantity}},
		"a surge is a number or a percentage":      {deployment, []string{"spec", "strategy", "rollingUpdate", "maxSurge"}, shape{Scalar: IntOrString}},
		"a label selector has one owner":           {deployment, []string{"spec", "selector"}, shape{Whole: true}},
		"finalizers are a set":                     {deployment, []string{"metadata", "finalizers"}, shape{List: ListSet}},
		"a service's selector has one owner":       {service, []string{"spec", "selector"}, shape{Whole: true}},
		"secret values are base64":                 {secret, []string{"data", "x"}, shape{Scalar: Byte}},
		"an unknown version is read as the newest": {schema.GroupVersionKind{Version: "v9", Kind: "Service"}, []string{"spec", "ports"}, shape{List: ListMap, Keys: []string{"port", "protocol"}}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			typ := at(set.Kind(tc.gvk), tc.path...)
			if typ == nil {
				t.Fatalf("%v is not known", tc.path)
			}
			if diff := cmp.Diff(tc.want, shape{typ.Scalar, typ.List, typ.Keys, typ.Whole}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if !set.Native(deployment.GroupKind()) || set.Kind(schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Widget"}) != nil {
		t.Error("Native or Kind is wrong")
	}
	if len(builtin) > 200<<10 {
		t.Errorf("the built-in schema takes %d bytes", len(builtin))
	}
}

const widgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  names: {kind: Widget, plural: widgets}
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              memory: {anyOf: [{type: integer}, {type: string}], pattern: '^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE])?$', x-kubernetes-int-or-string: true}
              port: {x-kubernetes-int-or-string: true}
              every: {type: string, format: duration}
              mode: {type: string, default: Fast}
              rules: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [id], items: {type: object, properties: {id: {type: string}}}}
              tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}
              plain: {type: array, items: {type: string}}
              free: {type: object, x-kubernetes-preserve-unknown-fields: true}
              template: {type: object, x-kubernetes-embedded-resource: true}
  - name: v2
`

func TestFromCRD(t *testing.T) {
	t.Parallel()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(widgets), &u.Object); err != nil {
		t.Fatal(err)
	}
	crd, err := FromCRD(u)
	if err != nil {
		t.Fatal(err)
	}
	set := (*Set)(nil).With(crd)
	root := set.Kind(schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Widget"})
	for path, want := range map[string]Scalar{"memory": Quantity, "port": IntOrString, "every": Duration, "mode": String} {
		if got := at(root, "spec", path).Scalar; got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	for path, want := range map[string]List{"rules": ListMap, "tags": ListSet, "plain": ListAtomic} {
		if got := at(root, "spec", path).List; got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if diff := cmp.Diff([]string{"id"}, at(root, "spec", "rules").Keys); diff != "" {
		t.Error(diff)
	}
	if at(root, "spec", "mode").Default != "Fast" || !at(root, "spec", "free").Open {
		t.Error("default or open is lost")
	}
	if at(root, "spec", "template", "metadata", "labels", "x") == nil || !at(root, "metadata", "labels").IsMap() {
		t.Error("metadata is not known")
	}
	if set.Native(schema.GroupKind{Group: "example.com", Kind: "Widget"}) {
		t.Error("a custom kind is not native")
	}
	if _, err := FromCRD(&unstructured.Unstructured{Object: map[string]any{"spec": "x"}}); err == nil {
		t.Error("a broken definition gave no error")
	}
}
