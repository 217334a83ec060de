package agent_test

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/internal/object"
)

// detection is one thing that somebody does to an application that is in sync.
type detection struct {
	name      string
	manifests string         // beside those of every case
	before    func(*subject) // what is there before the application
	after     func(*subject) // what happens before anybody counts
	act       func(*subject)
	want      []string
	settled   func(told []string) bool // what else to wait for
	// reads is how many there may be. A new pod template is one event of the
	// hand, and one of the controller that notes a revision.
	reads int
}

func (d detection) folder() string {
	return strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(strings.ToLower(d.name))
}

// changed is a field, and its object which is out of sync because of it.
func changed(kind, name, path, manager string) []string {
	return []string{strings.Join([]string{kind, name, path, "declared", manager}, " "), kind + " " + name + " OutOfSync"}
}

func added(kind, name, path, manager string) []string {
	return []string{strings.Join([]string{kind, name, path, "undeclared", manager}, " ")}
}

func mergePatch(text string) client.Patch { return client.RawPatch(types.MergePatchType, []byte(text)) }

func jsonPatch(text string) client.Patch { return client.RawPatch(types.JSONPatchType, []byte(text)) }

func parse(text string, args ...any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(fmt.Appendf(nil, text, args...), &u.Object); err != nil {
		panic(err)
	}
	return u
}

const (
	image = "spec.template.spec.containers[name=web].image"
	other = "example.com/web:2"
)

func (s *subject) scale(by string, replicas int32) {
	s.t.Helper()
	scale := &autoscalingv1.Scale{}
	web := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: s.ns}}
	s.check(s.client.SubResource("scale").Get(s.t.Context(), web, scale))
	scale.Spec.Replicas = replicas
	s.check(s.as(by).SubResource("scale").Update(s.t.Context(), web, client.WithSubResourceBody(scale)))
}

// detectionCases are the ways in which somebody may change an object.
func detectionCases() []detection {
	return append(writes(), append(bookkeeping(), lives()...)...)
}

// writes are the ways to write a value.
func writes() []detection {
	return []detection{
		{name: "merge patch", act: func(s *subject) { s.patch(s.deployment(), "kubectl-patch", mergePatch(`{"spec":{"replicas":5}}`)) },
			want: changed("Deployment", "web", "spec.replicas", "kubectl-patch"), reads: 1},
		{name: "strategic merge patch", act: func(s *subject) {
			s.patch(s.deployment(), "kubectl-set", client.RawPatch(types.StrategicMergePatchType,
				[]byte(`{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"`+other+`"}]}}}}`)))
		}, want: changed("Deployment", "web", image, "kubectl-set"), reads: 2},
		{name: "scale", act: func(s *subject) { s.scale("kubectl", 5) }, want: changed("Deployment", "web", "spec.replicas", "kubectl"), reads: 1},
		{name: "scale to zero", act: func(s *subject) { s.scale("kubectl", 0) }, want: changed("Deployment", "web", "spec.replicas", ""), reads: 1},
		{name: "edit", act: func(s *subject) {
			s.check(s.client.Update(s.t.Context(), setContainer(s.deployment(), "image", other)))
		},
			want: changed("Deployment", "web", image, "kubectl-edit"), reads: 2},
		{name: "replace", act: func(s *subject) {
			u := setContainer(s.deployment(), "image", other)
			u.SetResourceVersion("")
			u.SetManagedFields(nil)
			s.check(s.as("kubectl-replace").Update(s.t.Context(), u))
		}, want: changed("Deployment", "web", image, "kubectl-replace"), reads: 2},
		{name: "field deleted", act: func(s *subject) {
			s.patch(s.deployment(), "kubectl-patch", jsonPatch(`[{"op":"remove","path":"/spec/template/spec/containers/0/env/0"}]`))
		}, want: changed("Deployment", "web", "spec.template.spec.containers[name=web].env[name=A]", ""), reads: 2},
		{name: "apply under our own name", act: func(s *subject) {
			u := s.owned(parse("{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: %s}, data: {a: x, b: '2'}}", s.ns))
			s.patch(u, object.FieldManager, client.Apply, client.ForceOwnership) //nolint:staticcheck // as clients do that know no apply configurations
		}, want: changed("ConfigMap", "settings", "data.a", object.FieldManager), reads: 1},
		{name: "update under our own name", act: func(s *subject) {
			s.check(s.as(object.FieldManager).Update(s.t.Context(), set(s.get("v1", "ConfigMap", "settings"), "x", "data", "a")))
		}, want: changed("ConfigMap", "settings", "data.a", object.FieldManager), reads: 1},
		{name: "apply by another manager with force", act: func(s *subject) {
			u := parse("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: %s}\ndata: {b: x}", s.ns)
			s.patch(u, "helm", client.Apply, client.ForceOwnership) //nolint:staticcheck // as above
		}, want: changed("ConfigMap", "settings", "data.b", "helm"), reads: 1},
		{name: "client-side apply over ours", act: func(s *subject) {
			u := setContainer(s.deployment(), "image", other)
			annotations := u.GetAnnotations()
			annotations["kubectl.kubernetes.io/last-applied-configuration"] = `{"apiVersion":"apps/v1","kind":"Deployment"}`
			u.SetAnnotations(annotations)
			s.check(s.as("kubectl-client-side-apply").Update(s.t.Context(), u))
		}, want: changed("Deployment", "web", image, "kubectl-client-side-apply"), reads: 2},
		{name: "atomic list", act: func(s *subject) {
			s.patch(s.get("rbac.authorization.k8s.io/v1", "Role", "reader"), "kubectl-patch", jsonPatch(`[{"op":"add","path":"/rules/0/verbs/-","value":"delete"}]`))
		}, want: changed("Role", "reader", "rules[0].verbs[2]", "kubectl-patch"), reads: 1},
		{name: "item added to a list with keys", act: func(s *subject) {
			s.patch(s.deployment(), "kubectl-patch", jsonPatch(`[{"op":"add","path":"/spec/template/spec/containers/0/env/-","value":{"name":"DEBUG","value":"1"}}]`))
		}, want: added("Deployment", "web", "spec.template.spec.containers[name=web].env[name=DEBUG]", "kubectl-patch"), reads: 2},
		{name: "config map", act: func(s *subject) {
			s.patch(s.get("v1", "ConfigMap", "settings"), "kubectl-edit", mergePatch(`{"data":{"a":"x"}}`))
		},
			want: changed("ConfigMap", "settings", "data.a", "kubectl-edit"), reads: 1},
		{name: "two writes in one second", act: func(s *subject) {
			for _, value := range []string{"x", "y", "1"} {
				s.patch(s.get("v1", "ConfigMap", "settings"), "kubectl-edit", mergePatch(`{"data":{"a":"`+value+`"}}`))
			}
		}, reads: 3},
		{name: "secret", act: func(s *subject) {
			s.patch(s.get("v1", "Secret", "login"), "kubectl-edit", mergePatch(`{"data":{"password":"eA=="}}`))
		},
			want: changed("Secret", "login", "data.password", "kubectl-edit"), reads: 1},
	}
}

// bookkeeping are writes to what surrounds values.
func bookkeeping() []detection {
	return []detection{
		{name: "managed fields reset", act: func(s *subject) {
			s.patch(s.deployment(), "kubectl-patch", mergePatch(`{"metadata":{"managedFields":[{}]}}`))
		}, reads: 1},
		{name: "edit after managed fields were reset", after: func(s *subject) {
			s.patch(s.deployment(), "kubectl-patch", mergePatch(`{"metadata":{"managedFields":[{}]}}`))
		}, act: func(s *subject) { s.patch(s.deployment(), "kubectl-patch", mergePatch(`{"spec":{"replicas":5}}`)) },
			want: changed("Deployment", "web", "spec.replicas", ""), reads: 1}, // the server writes no books again until somebody applies
		{name: "managed label removed", act: func(s *subject) {
			s.patch(s.get("v1", "ConfigMap", "settings"), "kubectl-label", mergePatch(`{"metadata":{"labels":{"`+object.ManagedLabel+`":null}}}`))
		}, want: changed("ConfigMap", "settings", `metadata.labels["trueup.dev/managed"]`, ""), reads: 1},
		{name: "tracking id removed", act: func(s *subject) {
			s.patch(s.deployment(), "kubectl-annotate", mergePatch(`{"metadata":{"annotations":{"`+object.TrackingAnnotation+`":null}}}`))
		}, want: changed("Deployment", "web", `metadata.annotations["trueup.dev/tracking-id"]`, ""), reads: 1},
		{name: "edit after the tracking id was removed", after: func(s *subject) {
			s.patch(s.deployment(), "kubectl-annotate", mergePatch(`{"metadata":{"annotations":{"`+object.TrackingAnnotation+`":null}}}`))
		}, act: func(s *subject) { s.patch(s.deployment(), "kubectl-patch", mergePatch(`{"spec":{"replicas":5}}`)) },
			want: append(changed("Deployment", "web", `metadata.annotations["trueup.dev/tracking-id"]`, ""), "Deployment web spec.replicas declared kubectl-patch"), reads: 1},
		{name: "annotation by another", act: func(s *subject) {
			s.patch(s.get("v1", "ConfigMap", "settings"), "kubectl-annotate", mergePatch(`{"metadata":{"annotations":{"example.com/x":"y"}}}`))
		}, want: added("ConfigMap", "settings", `metadata.annotations["example.com/x"]`, "kubectl-annotate"), reads: 1},
		{name: "label by another", act: func(s *subject) {
			s.patch(s.deployment(), "kubectl-label", mergePatch(`{"metadata":{"labels":{"team":"red"}}}`))
		}, want: added("Deployment", "web", "metadata.labels.team", "kubectl-label"), reads: 1},
		{name: "finalizer", act: func(s *subject) {
			s.patch(s.get("v1", "ConfigMap", "settings"), "kubectl-patch", mergePatch(`{"metadata":{"finalizers":["example.com/keep"]}}`))
			s.t.Cleanup(func() {
				u := parse("{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: %s}}", s.ns)
				if err := s.client.Patch(context.WithoutCancel(s.t.Context()), u, mergePatch(`{"metadata":{"finalizers":null}}`)); err != nil {
					s.t.Errorf("free the config map: %v", err)
				}
			})
		}, want: added("ConfigMap", "settings", "metadata.finalizers", "kubectl-patch"), reads: 1},
		{name: "owner reference", act: func(s *subject) {
			web, u := s.deployment(), s.get("v1", "ConfigMap", "settings")
			u.Object["metadata"].(map[string]any)["ownerReferences"] = []any{map[string]any{ //nolint:forcetypeassert // an object
				"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": string(web.GetUID()),
			}}
			s.check(s.as("operator").Update(s.t.Context(), u))
		}, want: added("ConfigMap", "settings", "metadata.ownerReferences[uid=...]", "operator"), reads: 1},
		{name: "heartbeats", act: func(s *subject) {
			for i := range 10 {
				u := s.deployment()
				conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
				conditions[0].(map[string]any)["lastUpdateTime"] = fmt.Sprintf("2026-03-01T12:00:%02dZ", i) //nolint:forcetypeassert // a condition
				s.check(s.as("kube-controller-manager").SubResource("status").Update(s.t.Context(), set(u, conditions, "status", "conditions")))
			}
		}, reads: 0},
		{name: "autoscaler", after: func(s *subject) {
			s.check(s.client.Create(s.t.Context(), parse(`{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web, namespace: %s},
  spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 2, maxReplicas: 9,
    metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]}}`, s.ns)))
		}, act: func(s *subject) { s.scale("kube-controller-manager", 4) }, reads: 1},
	}
}

// lives are what happens to whole objects and kinds.
func lives() []detection {
	return []detection{
		{name: "deleted", act: func(s *subject) { s.check(s.client.Delete(s.t.Context(), s.get("v1", "ConfigMap", "settings"))) },
			want: changed("ConfigMap", "settings", "", ""), reads: 1},
		{name: "deleted and recreated", act: func(s *subject) {
			s.check(s.client.Delete(s.t.Context(), s.get("v1", "ConfigMap", "settings")))
			s.check(s.as("kubectl-create").Create(s.t.Context(), s.owned(parse("{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: %s}, data: {a: x, b: '2'}}", s.ns))))
		}, want: changed("ConfigMap", "settings", "data.a", "kubectl-create"), reads: 2},
		{name: "deleted and recreated as it was", act: func(s *subject) {
			s.check(s.client.Delete(s.t.Context(), s.get("v1", "ConfigMap", "settings")))
			s.check(s.as("kubectl-create").Create(s.t.Context(), s.owned(parse("{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: %s}, data: {a: '1', b: '2'}}", s.ns))))
		}, reads: 2},
		{
			name: "storage version of a definition", manifests: "---\napiVersion: NAMESPACE.example.com/v1\nkind: Widget\nmetadata: {name: gear}\nspec: {size: 1}\n",
			before: func(s *subject) { s.widgets("v1") },
			act: func(s *subject) {
				s.widgets("v2")
				gear := s.get(s.ns+".example.com/v2", "Widget", "gear")
				s.patch(gear, "storage-migrator", mergePatch(`{}`)) // stored anew
				s.patch(gear, "kubectl-edit", mergePatch(`{"spec":{"size":2}}`))
			},
			settled: func(told []string) bool { return len(told) == 2 },
			want:    changed("Widget", "gear", "spec.size", "kubectl-edit"), reads: 2,
		},
	}
}
