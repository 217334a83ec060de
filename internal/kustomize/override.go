package kustomize

import (
	"cmp"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
)

// override puts the source's options into the kustomization, as "kustomize
// edit" would, in the order in which Argo CD calls it.
func override(k *types.Kustomization, files *fileSystem, req render.Request) error {
	o := req.Source.Kustomize
	if o == nil {
		return nil
	}
	if o.Version != "" {
		req.Warnf("kustomize.version %s has no effect: kustomizations are built in process, by one version", o.Version)
	}
	k.NamePrefix = cmp.Or(o.NamePrefix, k.NamePrefix)
	k.NameSuffix = cmp.Or(o.NameSuffix, k.NameSuffix)
	k.Namespace = cmp.Or(o.Namespace, k.Namespace)
	for _, step := range []func(*types.Kustomization, render.Request) error{images, replicas, labels, annotations, patches} {
		if err := step(k, req); err != nil {
			return err
		}
	}
	return components(k, files, req)
}

// images replaces entries of the same name; * keeps a part of what is there.
func images(k *types.Kustomization, req render.Request) error {
	for _, text := range req.Source.Kustomize.Images {
		image, err := parseImage(req.Expand(string(text)))
		if err != nil {
			return err
		}
		was := types.Image{}
		k.Images = slices.DeleteFunc(k.Images, func(i types.Image) bool {
			if i.Name == image.Name {
				was = i
			}
			return i.Name == image.Name
		})
		for _, part := range []struct{ is, was *string }{{&image.NewName, &was.NewName}, {&image.NewTag, &was.NewTag}, {&image.Digest, &was.Digest}} {
			if *part.is == "*" {
				*part.is = *part.was
			}
		}
		k.Images = append(k.Images, image)
		// One image's new name may be another one's: the order counts.
		slices.SortStableFunc(k.Images, func(a, b types.Image) int { return cmp.Compare(a.Name, b.Name) })
	}
	return nil
}

func replicas(k *types.Kustomization, req render.Request) error {
	for _, r := range req.Source.Kustomize.Replicas {
		count := int64(r.Count.IntVal)
		if r.Count.Type == intstr.String {
			parsed, err := strconv.ParseInt(r.Count.StrVal, 10, 32)
			if err != nil {
				return fault.New(fault.Invalid, "kustomize.replicas: %s: the count %q is not a number", r.Name, r.Count.StrVal)
			}
			count = parsed
		}
		if count < 0 {
			return fault.New(fault.Invalid, "kustomize.replicas: %s: the count %d is below zero", r.Name, count)
		}
		k.Replicas = slices.DeleteFunc(k.Replicas, func(have types.Replica) bool { return have.Name == r.Name })
		k.Replicas = append(k.Replicas, types.Replica{Name: r.Name, Count: count})
	}
	return nil
}

func labels(k *types.Kustomization, req render.Request) error {
	o := req.Source.Kustomize
	if len(o.CommonLabels) == 0 {
		return nil
	}
	if o.LabelIncludeTemplates && !o.LabelWithoutSelector {
		return fault.New(fault.Invalid, "kustomize.labelIncludeTemplates needs labelWithoutSelector: labels in selectors are in the templates as well")
	}
	into := &k.CommonLabels //nolint:staticcheck // it is what Argo CD's option sets
	if o.LabelWithoutSelector {
		at := slices.IndexFunc(k.Labels, func(l types.Label) bool { return !l.IncludeSelectors && l.IncludeTemplates == o.LabelIncludeTemplates })
		if at < 0 {
			at = len(k.Labels)
			k.Labels = append(k.Labels, types.Label{IncludeTemplates: o.LabelIncludeTemplates})
		}
		into = &k.Labels[at].Pairs
	}
	values := make(map[string]string, len(o.CommonLabels))
	for key, value := range o.CommonLabels {
		values[key] = req.Expand(value)
	}
	return add("commonLabels", into, values, o.ForceCommonLabels)
}

func annotations(k *types.Kustomization, req render.Request) error {
	o := req.Source.Kustomize
	values := o.CommonAnnotations
	if o.CommonAnnotationsEnvsubst {
		values = make(map[string]string, len(o.CommonAnnotations))
		for key, value := range o.CommonAnnotations {
			values[key] = req.Expand(value)
		}
	}
	return add("commonAnnotations", &k.CommonAnnotations, values, o.ForceCommonAnnotations)
}

// add refuses to replace what is there, unless forced to.
func add(field string, into *map[string]string, values map[string]string, force bool) error {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if _, ok := (*into)[key]; ok && !force {
			return fault.New(fault.Invalid, "kustomize.%s: %s is in the kustomization already; set forceC%s to replace it", field, key, strings.TrimPrefix(field, "c"))
		}
		if *into == nil {
			*into = map[string]string{}
		}
		(*into)[key] = values[key]
	}
	return nil
}

func patches(k *types.Kustomization, req render.Request) error {
	for _, p := range req.Source.Kustomize.Patches {
		options, err := patchOptions(p.Options)
		if err != nil {
			return err
		}
		k.Patches = append(k.Patches, types.Patch{Path: p.Path, Patch: p.Patch, Options: options, Target: selector(p.Target)})
	}
	return nil
}

func patchOptions(o map[string]bool) (*types.PatchArgs, error) {
	for _, key := range slices.Sorted(maps.Keys(o)) {
		if key != "allowNameChange" && key != "allowKindChange" {
			return nil, fault.New(fault.Invalid, "kustomize.patches: there is no option %q; want allowNameChange or allowKindChange", key)
		}
	}
	if len(o) == 0 {
		return nil, nil //nolint:nilnil // none is a valid answer
	}
	return &types.PatchArgs{AllowNameChange: o["allowNameChange"], AllowKindChange: o["allowKindChange"]}, nil
}

// components takes patterns too, and each once. With ignoreMissingComponents
// those of other repositories count as missing: Argo CD looks at its disk.
func components(k *types.Kustomization, files *fileSystem, req render.Request) error {
	o := req.Source.Kustomize
	for _, c := range o.Components {
		if o.IgnoreMissingComponents && !files.Exists(path.Join(req.Path(), c)) {
			if remote(c) {
				req.Warnf("kustomize.components: %s is left out: with ignoreMissingComponents only folders of the repository count", c)
			}
			continue
		}
		found := []string{c}
		if strings.ContainsAny(c, "*?[") && !remote(c) {
			matches, err := fs.Glob(files.mounts[0].tree.FS, path.Join(req.Path(), c))
			if err != nil || len(matches) == 0 {
				return fault.New(fault.Invalid, "kustomize.components: nothing matches %s", c)
			}
			found = nil
			for _, m := range matches {
				found = append(found, relative(req.Path(), m))
			}
		}
		for _, name := range found {
			if !slices.Contains(k.Components, name) {
				k.Components = append(k.Components, name)
			}
		}
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
// does; what changes nothing is an error.
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
	if rest == "" || old == "" || !renamed && rest == text {
		return image, fault.New(fault.Invalid, "kustomize.images: %q is not [old=]name[:tag][@digest]", text)
	}
	image.Name = rest
	if renamed {
		image.Name, image.NewName = old, rest
	}
	return image, nil
}
