package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/clustertest"
	"github.com/trueup-dev/trueup/internal/kube"
)

// TestPreviewFromCluster: applications, sets and policies are those of a real
// cluster; what a set made is made again, and not read.
func TestPreviewFromCluster(t *testing.T) {
	t.Parallel()
	file := clustertest.Kubeconfig(t, "hub")
	config, err := restConfig(file, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := installCRDs(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	k, err := kube.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "preview-from-"}}
	if err := k.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	const config1 = "https://git.example.com/config.git"
	cm := func(name, x string) string {
		return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {x: %q}\n", name, x)
	}
	object := ns.Name + "-judged"
	app := v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: "one", Namespace: ns.Name}}
	app.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: config1, Path: "one"}
	app.Spec.Destination = v1alpha1.ApplicationDestination{Server: "https://kubernetes.default.svc", Namespace: "shop"}
	made := app.DeepCopy()
	made.Name, made.Spec.Source.Path = "made-x", "nowhere"
	made.OwnerReferences = []metav1.OwnerReference{{APIVersion: "trueup.dev/v1alpha1", Kind: "ApplicationSet", Name: "made", UID: "1"}}
	set := v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: "made", Namespace: ns.Name}}
	set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{{Git: &v1alpha1.GitGenerator{RepoURL: config1, Revision: "HEAD", Directories: []v1alpha1.GitDirectoryItem{{Path: "dirs/*"}}}}}
	set.Spec.Template.Name = "made-{{path.basename}}"
	set.Spec.Template.Spec = *app.Spec.DeepCopy()
	set.Spec.Template.Spec.Source.Path = "{{path}}"

	policy := &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: ns.Name + ".example.com"}}
	policy.Spec.MatchConstraints = &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{{ResourceNames: []string{object}}}}
	rule := &policy.Spec.MatchConstraints.ResourceRules[0].RuleWithOperations
	rule.Operations, rule.APIGroups, rule.APIVersions, rule.Resources = []admissionv1.OperationType{"UPDATE"}, []string{""}, []string{"v1"}, []string{"configmaps"}
	policy.Spec.Validations = []admissionv1.Validation{{Expression: "object.data.x == oldObject.data.x", Message: "x stays what it is"}}
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: policy.Name}}
	binding.Spec.PolicyName, binding.Spec.ValidationActions = policy.Name, []admissionv1.ValidationAction{admissionv1.Warn}
	for _, o := range []client.Object{&app, made, &set, untyped(t, policy), untyped(t, binding)} {
		if err := k.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = k.Delete(context.Background(), o) }) // the namespace goes with the clusters
	}
	p := newPreviewed(t)
	p.commit(map[string]string{"one/c.yaml": cm(object, "1"), "dirs/x/c.yaml": cm("cx", "1")})
	p.checkout("feature", true)
	p.commit(map[string]string{"one/c.yaml": cm(object, "2"), "dirs/y/c.yaml": cm("cy", "1")})
	code, stdout, stderr := call(t, "preview", "--repo", p.dir, "--cache-dir", "", "--url", config1, "--apps", "cluster", "--policies", "cluster",
		"--kubeconfig", file, "--agent-namespace", ns.Name)
	if code != exitDrift {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{
		"warning ConfigMap shop/" + object + " x stays what it is (policy " + policy.Name + ") (one)", "+ ConfigMap shop/cy", "2 of 3 applications change: 1 update, 1 create",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s%s", want, stdout, stderr)
		}
	}
}

// untyped is a policy as the client takes it, which does not know the type.
func untyped(t *testing.T, o client.Object) client.Object {
	t.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{Object: content}
	kind := "ValidatingAdmissionPolicy"
	if _, ok := o.(*admissionv1.ValidatingAdmissionPolicyBinding); ok {
		kind += "Binding"
	}
	u.SetGroupVersionKind(admissionv1.SchemeGroupVersion.WithKind(kind))
	return u
}
