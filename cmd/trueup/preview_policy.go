package main

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/internal/kube"
	policies "github.com/trueup-dev/trueup/internal/policy"
	"github.com/trueup-dev/trueup/preview/policy"
	"github.com/trueup-dev/trueup/preview/risk"
	"github.com/trueup-dev/trueup/preview/trial"
)

// ofCluster asks for the policies of the cluster.
const ofCluster = "cluster"

// judging are the policies of the command line.
func (o previewOptions) judging(ctx context.Context, risks *risk.Set) (*trial.Policies, error) {
	out := &trial.Policies{Make: policies.Maker(risks)}
	for _, p := range o.policies {
		if p != ofCluster {
			out.Paths = append(out.Paths, p)
			continue
		}
		live, err := o.livePolicies(ctx)
		if err != nil {
			return nil, err
		}
		out.Extra = append(out.Extra, live...)
	}
	return out, nil
}

// livePolicies reads policies, their bindings and what they need from the
// cluster of the kubeconfig's context.
func (o previewOptions) livePolicies(ctx context.Context) ([]policy.Declared, error) {
	config, err := restConfig(o.live.kubeconfig, o.live.context)
	if err != nil {
		return nil, err
	}
	c, err := kube.NewClient(config)
	if err != nil {
		return nil, err
	}
	var out []policy.Declared
	list := func(gvk schema.GroupVersionKind) error {
		var all unstructured.UnstructuredList
		all.SetGroupVersionKind(gvk)
		if err := c.List(ctx, &all); err != nil {
			return fmt.Errorf("read the %ss of the cluster (--policies %s): %w", gvk.Kind, ofCluster, err)
		}
		for _, u := range all.Items {
			out = append(out, policy.Declared{Object: u.Object})
		}
		return nil
	}
	group := schema.GroupVersion{Group: policy.AdmissionGroup, Version: "v1"}
	kinds := []schema.GroupVersionKind{group.WithKind("ValidatingAdmissionPolicy"), group.WithKind("ValidatingAdmissionPolicyBinding"), {Version: "v1", Kind: "Namespace"}}
	for _, gvk := range kinds {
		if err := list(gvk); err != nil {
			return nil, err
		}
	}
	asked := map[schema.GroupVersionKind]bool{}
	for _, d := range out {
		apiVersion, _, _ := unstructured.NestedString(d.Object, "spec", "paramKind", "apiVersion")
		kind, _, _ := unstructured.NestedString(d.Object, "spec", "paramKind", "kind")
		gvk := schema.FromAPIVersionAndKind(apiVersion, kind)
		if kind == "" || asked[gvk] {
			continue
		}
		asked[gvk] = true
		if kind == "Secret" && gvk.Group == "" {
			continue // no preview reads Secrets
		}
		if err := list(gvk); err != nil {
			return nil, err
		}
	}
	return out, nil
}
