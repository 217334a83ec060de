package kustomize

import (
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
)

// override puts the source's options into the kustomization, as
// "kustomize edit" would.
func override(k *types.Kustomization, files fileSystem, req render.Request) error {
	o := req.Source.Kustomize
	if o.NamePrefix != "" {
		k.NamePrefix = o.NamePrefix
	}
	if o.NameSuffix != "" {
		k.NameSuffix = o.NameSuffix
	}
	if o.Namespace != "" {
		k.Namespace = o.Namespace
	}
	for _, text := range o.Images {
		image, err := parseImage(string(text))
		if err != nil {
			return err
		}
		k.Images = slices.DeleteFunc(k.Images, func(i types.Image) bool { return i.Name == image.Name })
		k.Images = append(k.Images, image)
	}
	for _, r := range o.Replicas {
		count := int64(r.Count.IntValue())
		if count < 0 {
			return fault.New(fault.Invalid, "kustomize.replicas: %s: the count %s is not a number", r.Name, r.Count.String())
		}
		k.Replicas = slices.DeleteFunc(k.Replicas, func(have types.Replica) bool { return have.Name == r.Name })
		k.Replicas = append(k.Replicas, types.Replica{Name: r.Name, Count: count})
	}
	if err := labels(k, o); err != nil {
		return err
	}
	if err := annotations(k, req); err != nil {
		return err
	}
	for _, p := range o.Patches {
		k.Patches = append(k.Patches, types.Patch{Path: p.Path, Patch: p.Patch, Options: patchOptions(p.Options), Target: selector(p.Target)})
	}
	for _, c := range o.Components {
		if o.IgnoreMissingComponents && !files.Exists(path.Join(req.Path(), c)) {
			continue
		}
		k.Components = append(k.Components, c)
	}
	return nil
}

func patchOptions(o map[string]bool) *types.PatchArgs {
	if len(o) == 0 {
		return nil
	}
	return &types.PatchArgs{AllowNameChange: o["allowNameChange"], AllowKindChange: o["allowKindChange"]}
}

func labels(k *types.Kustomization, o *v1alpha1.ApplicationSourceKustomize) error {
	if len(o.CommonLabels) == 0 {
		return nil
	}
	have := k.CommonLabels //nolint:staticcheck // it is what Argo CD's option sets
	for key := range o.CommonLabels {
		if _, ok := have[key]; ok && !o.ForceCommonLabels {
			return fault.New(fault.Invalid, "kustomize.commonLabels: %s is in the kustomization already; set forceCommonLabels to replace it", key)
		}
	}
	if o.LabelWithoutSelector {
		k.Labels = append(k.Labels, types.Label{Pairs: o.CommonLabels, IncludeTemplates: o.LabelIncludeTemplates})
		return nil
	}
	all := maps.Clone(have)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, o.CommonLabels)
	k.CommonLabels = all //nolint:staticcheck // as above
	return nil
}

func annotations(k *types.Kustomization, req render.Request) error {
	o := req.Source.Kustomize
	all := maps.Clone(k.CommonAnnotations)
	if all == nil {
		all = map[string]string{}
	}
	for key, value := range o.CommonAnnotations {
		if _, ok := all[key]; ok && !o.ForceCommonAnnotations {
			return fault.New(fault.Invalid, "kustomize.commonAnnotations: %s is in the kustomization already; set forceCommonAnnotations to replace it", key)
		}
		if o.CommonAnnotationsEnvsubst {
			value = req.Expand(value)
		}
		all[key] = value
	}
	if len(all) > 0 {
		k.CommonAnnotations = all
	}
	return nil
}

func selector(s *v1alpha1.KustomizeSelector) *types.Selector {
	if s == nil {
		return nil
	}
	return &types.Selector{
		ResId:              resid.ResId{Gvk: resid.Gvk{Group: s.Group, Version: s.Version, Kind: s.Kind}, Name: s.Name, Namespace: s.Namespace},
		AnnotationSelector: s.AnnotationSelector, LabelSelector: s.LabelSelector,
	}
}

// parseImage reads [old=]name[:tag][@digest], as "kustomize edit set image"
// does.
func parseImage(text string) (types.Image, error) {
	old, rest, renamed := strings.Cut(text, "=")
	if !renamed {
		rest = old
	}
	var image types.Image
	rest, image.Digest, _ = strings.Cut(rest, "@")
	if at := strings.LastIndex(rest, ":"); at > strings.LastIndex(rest, "/") {
		rest, image.NewTag = rest[:at], rest[at+1:]
	}
	if rest == "" {
		return image, fault.New(fault.Invalid, "kustomize.images: %q is not [old=]name[:tag][@digest]", text)
	}
	image.Name = rest
	if renamed {
		image.Name, image.NewName = old, rest
	}
	return image, nil
}
