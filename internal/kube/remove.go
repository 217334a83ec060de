package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile/apply"
)

// operation is one of a JSON patch.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value string `json:"value,omitempty"`
}

// The places by which a patch means one version of one object.
const (
	atUID     = "/metadata/uid"
	atVersion = "/metadata/resourceVersion"
)

// Remove takes fields out of one version of an object. The version is tested,
// because pointers into another one may lead nowhere, and set, because the
// server applies a patch once more where somebody else was faster.
func (c *Cluster) Remove(ctx context.Context, p apply.Patch) (*unstructured.Unstructured, error) {
	gv, err := schema.ParseGroupVersion(p.APIVersion)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	resource, err := c.resource(gv.WithKind(p.Key.Kind), p.Key.Namespace)
	if err != nil {
		return nil, err
	}
	patch := []operation{{"test", atUID, p.UID}, {"test", atVersion, p.Version}, {"add", atVersion, p.Version}}
	for _, pointer := range p.Pointers {
		patch = append(patch, operation{Op: "remove", Path: pointer})
	}
	text, err := json.Marshal(patch)
	if err != nil {
		return nil, fmt.Errorf("write the patch: %w", err)
	}
	options := metav1.PatchOptions{FieldManager: object.FieldManager}
	if p.DryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	stored, err := resource.Patch(ctx, p.Key.Name, types.JSONPatchType, text, options)
	if apierrors.IsInvalid(err) {
		// A test that fails is told like an invalid object, and not which it was.
		live, gone := resource.Get(ctx, p.Key.Name, metav1.GetOptions{})
		if gone != nil {
			return nil, classify(gone)
		}
		if string(live.GetUID()) != p.UID || live.GetResourceVersion() != p.Version {
			return nil, fault.New(fault.Conflict, "%s has changed since version %s", p.Key, p.Version)
		}
	}
	if err = classify(err); err != nil && p.Key.IsSecret() {
		return nil, withoutText(err)
	}
	return stored, err
}

// withoutText keeps of an error about a Secret what cannot quote a value.
func withoutText(err error) error {
	var status apierrors.APIStatus
	reason := "the server refuses it"
	if errors.As(err, &status) && status.Status().Reason != "" {
		reason = "the server answers " + string(status.Status().Reason)
	}
	return fault.New(fault.Of(err), "%s", reason)
}
