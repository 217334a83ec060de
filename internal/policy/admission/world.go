package admission

import (
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/preview/policy"
)

// world is what is declared beside policies.
type world struct {
	given      []Given
	namespaces map[string]map[string]any
	plurals    map[schema.GroupKind]string
}

func newWorld(given []Given) world {
	w := world{given: given, namespaces: map[string]map[string]any{}, plurals: map[schema.GroupKind]string{}}
	for _, g := range given {
		u := unstructured.Unstructured{Object: g.Object}
		switch {
		case u.GetKind() == "Namespace" && u.GetAPIVersion() == "v1":
			w.namespaces[u.GetName()] = g.Object
		case u.GetKind() == "CustomResourceDefinition":
			group, _, _ := unstructured.NestedString(g.Object, "spec", "group")
			kind, _, _ := unstructured.NestedString(g.Object, "spec", "names", "kind")
			plural, _, _ := unstructured.NestedString(g.Object, "spec", "names", "plural")
			w.plurals[schema.GroupKind{Group: group, Kind: kind}] = plural
		}
	}
	return w
}

// resource is the kind as requests name it.
func (w world) resource(gvk schema.GroupVersionKind) string {
	if plural := w.plurals[gvk.GroupKind()]; plural != "" {
		return plural
	}
	plural, _ := meta.UnsafeGuessKindToResource(gvk)
	return plural.Resource
}

// asked is a subject as a server would be asked about it.
type asked struct {
	subject   policy.Subject
	gvk       schema.GroupVersionKind
	resource  string
	operation string
	// namespace is empty for what lives in none; labels are the namespace's,
	// known where it is declared.
	namespace string
	labels    map[string]string
	known     bool
	object    unstructured.Unstructured
	old       unstructured.Unstructured
}

func (w world) asked(s policy.Subject) asked {
	a := asked{subject: s, operation: strings.ToUpper(s.Action)}
	a.object.Object, a.old.Object = s.After, s.Before
	shown := a.object
	if s.After == nil {
		shown = a.old
	}
	a.gvk = shown.GroupVersionKind()
	a.resource, a.namespace = w.resource(a.gvk), s.Key.Namespace
	name := a.namespace
	if a.gvk.Kind == "Namespace" && a.gvk.Group == "" {
		name, a.labels, a.known = s.Key.Name, shown.GetLabels(), true
	}
	if declared, ok := w.namespaces[name]; ok && !a.known {
		u := unstructured.Unstructured{Object: declared}
		a.labels, a.known = u.GetLabels(), true
	}
	if name != "" {
		all := map[string]string{"kubernetes.io/metadata.name": name}
		for k, v := range a.labels {
			all[k] = v
		}
		a.labels = all
	}
	return a
}

// matches holds a subject against what a policy or a binding is about. The
// error says that only a server could tell.
func (a asked) matches(m *admissionv1.MatchResources) (bool, error) {
	if m == nil {
		return true, nil
	}
	in := func(rules []admissionv1.NamedRuleWithOperations) bool { return slices.ContainsFunc(rules, a.named) }
	if len(m.ResourceRules) > 0 && !in(m.ResourceRules) || in(m.ExcludeResourceRules) {
		return false, nil
	}
	if !selects(m.ObjectSelector, labelsOf(a.object)) && !selects(m.ObjectSelector, labelsOf(a.old)) {
		return false, nil
	}
	clusterWide := a.namespace == "" && (a.gvk.Kind != "Namespace" || a.gvk.Group != "")
	if clusterWide || m.NamespaceSelector == nil {
		return true, nil
	}
	if !a.known && asksBeyondName(m.NamespaceSelector) {
		return false, fmt.Errorf("it selects by labels of the namespace %s, which is not declared", a.namespace)
	}
	return selects(m.NamespaceSelector, a.labels), nil
}

func labelsOf(u unstructured.Unstructured) map[string]string {
	if u.Object == nil {
		return nil
	}
	return u.GetLabels()
}

func asksBeyondName(s *metav1.LabelSelector) bool {
	const name = "kubernetes.io/metadata.name"
	for key := range s.MatchLabels {
		if key != name {
			return true
		}
	}
	return slices.ContainsFunc(s.MatchExpressions, func(e metav1.LabelSelectorRequirement) bool { return e.Key != name })
}

// named holds a subject against one rule. By matchPolicy Equivalent, which is
// the default, another version is the same object.
func (a asked) named(r admissionv1.NamedRuleWithOperations) bool {
	any := func(list []string, want string) bool {
		return slices.Contains(list, want) || slices.Contains(list, "*")
	}
	operation := slices.ContainsFunc(r.Operations, func(o admissionv1.OperationType) bool {
		return o == admissionv1.OperationAll || string(o) == a.operation
	})
	scope := r.Scope == nil || *r.Scope == admissionv1.AllScopes || (*r.Scope == admissionv1.NamespacedScope) == (a.namespace != "")
	names := len(r.ResourceNames) == 0 || slices.Contains(r.ResourceNames, a.subject.Key.Name)
	return operation && scope && names && any(r.APIGroups, a.gvk.Group) && (any(r.Resources, a.resource) || slices.Contains(r.Resources, "*/*"))
}

// params are the objects that a binding names; none is one nil.
func (w world) params(kind *admissionv1.ParamKind, ref *admissionv1.ParamRef, namespace string) []map[string]any {
	if kind == nil || ref == nil {
		return []map[string]any{nil}
	}
	var out []map[string]any
	for _, g := range w.given {
		u := unstructured.Unstructured{Object: g.Object}
		group, _, _ := strings.Cut(u.GetAPIVersion(), "/")
		want, _, _ := strings.Cut(kind.APIVersion, "/")
		if u.GetKind() != kind.Kind || group != want && strings.Contains(kind.APIVersion, "/") {
			continue
		}
		place := ref.Namespace
		if place == "" {
			place = namespace
		}
		if u.GetNamespace() != "" && u.GetNamespace() != place {
			continue
		}
		if ref.Name != "" && u.GetName() == ref.Name || ref.Name == "" && selects(ref.Selector, u.GetLabels()) {
			out = append(out, g.Object)
		}
	}
	return out
}
