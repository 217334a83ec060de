package main

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/plugin"
	"github.com/trueup-dev/trueup/internal/scm"
)

// fileObjects are Secrets, ConfigMaps and decision objects of files, in place
// of those in a cluster.
type fileObjects []*unstructured.Unstructured

var (
	_ plugin.Objects       = fileObjects(nil)
	_ kube.DecisionObjects = fileObjects(nil)
	_ scm.Objects          = forgeFiles{}
)

// forgeFiles are the same for generators of forges.
type forgeFiles struct{ fileObjects }

// Secret implements scm.Objects.
func (f forgeFiles) Secret(ctx context.Context, namespace, name string) (scm.Secret, error) {
	secret, err := f.fileObjects.Secret(ctx, namespace, name)
	if err != nil {
		return scm.Secret{}, err
	}
	return scm.Secret{Labels: secret.Labels, Data: secret.Data}, nil
}

// readFileObjects reads all that --objects names.
func readFileObjects(names []string, s streams) (fileObjects, error) {
	var out fileObjects
	for _, name := range names {
		objects, err := readObjects(name, s.in)
		if err != nil {
			return nil, err
		}
		out = append(out, objects...)
	}
	return out, nil
}

// ConfigMap is the data of one.
func (f fileObjects) ConfigMap(_ context.Context, namespace, name string) (map[string]string, error) {
	u, err := f.find("ConfigMap", namespace, name)
	if err != nil {
		return nil, err
	}
	data, _, err := unstructured.NestedStringMap(u.Object, "data")
	return data, fault.Wrap(fault.Invalid, err)
}

// Secret is one, with what stringData says in its data.
func (f fileObjects) Secret(_ context.Context, namespace, name string) (*corev1.Secret, error) {
	u, err := f.find("Secret", namespace, name)
	if err != nil {
		return nil, err
	}
	return secretOf(u)
}

func (f fileObjects) find(kind, namespace, name string) (*unstructured.Unstructured, error) {
	for _, u := range f {
		if u.GetAPIVersion() == "v1" && u.GetKind() == kind && u.GetName() == name && within(u, namespace) {
			return u, nil
		}
	}
	return nil, fault.New(fault.Missing, "no file of --objects holds the %s %s", kind, name)
}

// within takes an object or a question without a namespace for one of any.
func within(u *unstructured.Unstructured, namespace string) bool {
	return namespace == "" || u.GetNamespace() == "" || u.GetNamespace() == namespace
}

// Select finds objects as an API server would.
func (f fileObjects) Select(_ context.Context, kind schema.GroupVersionKind, namespace string, by metav1.ListOptions) ([]*unstructured.Unstructured, error) {
	byLabel, err := labels.Parse(by.LabelSelector)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	byField, err := fields.ParseSelector(by.FieldSelector)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	var out []*unstructured.Unstructured
	for _, u := range f {
		if named(u, kind) && within(u, namespace) && byLabel.Matches(labels.Set(u.GetLabels())) && byField.Matches(fields.Set{"metadata.name": u.GetName()}) {
			out = append(out, u)
		}
	}
	return out, nil
}

// named reports an object of a kind, which may be written as a resource.
func named(u *unstructured.Unstructured, kind schema.GroupVersionKind) bool {
	own := u.GroupVersionKind()
	if own.GroupVersion() != kind.GroupVersion() {
		return false
	}
	many, one := meta.UnsafeGuessKindToResource(own)
	asked := strings.ToLower(kind.Kind)
	return own.Kind == kind.Kind || many.Resource == asked || one.Resource == asked
}

// secretOf decodes a Secret of a file; stringData counts, as it does when it
// is applied. The error quotes no value.
func secretOf(u *unstructured.Unstructured) (*corev1.Secret, error) {
	var secret corev1.Secret
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &secret); err != nil {
		return nil, fault.New(fault.Invalid, "the Secret %s is malformed: data must be base64, and stringData texts", u.GetName())
	}
	for key, text := range secret.StringData {
		if secret.Data == nil {
			secret.Data = map[string][]byte{}
		}
		secret.Data[key] = []byte(text)
	}
	return &secret, nil
}
