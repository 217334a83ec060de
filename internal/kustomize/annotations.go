package kustomize

import (
	"path"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/internal/repourl"
)

// The annotations of buildMetadata.
const (
	originAnnotation          = "config.kubernetes.io/origin"
	transformationsAnnotation = "alpha.config.kubernetes.io/transformations"
)

// annotated puts repositories into the annotations that buildMetadata asks
// for, as kustomize does for what it fetched itself.
func (l *layout) annotated(u *unstructured.Unstructured) {
	if len(l.files.mounts) == 1 && len(l.inflated) == 0 {
		return
	}
	all := u.GetAnnotations()
	if text, ok := all[originAnnotation]; ok {
		var origin resource.Origin
		if yaml.Unmarshal([]byte(text), &origin) == nil {
			text, _ = l.located(&origin).String()
			all[originAnnotation] = text
		}
	}
	if text, ok := all[transformationsAnnotation]; ok {
		var history resource.Transformations
		if yaml.Unmarshal([]byte(text), &history) == nil {
			for _, step := range history {
				l.located(step)
			}
			text, _ = history.String()
			all[transformationsAnnotation] = text
		}
	}
	if all != nil {
		u.SetAnnotations(all)
	}
}

// located gives an origin in a mounted tree that tree's repository.
func (l *layout) located(o *resource.Origin) *resource.Origin {
	for _, file := range []*string{&o.Path, &o.ConfiguredIn} {
		i := strings.Index(*file, mountFolder)
		if i < 0 {
			continue
		}
		name := path.Clean((*file)[i:])
		if chart, ok := l.inflated[name]; ok {
			*file = chart.Path
			if chart.Tree != nil {
				o.Repo, o.Ref = repourl.Redact(chart.Tree.RepoURL), chart.Tree.Revision
			}
			continue
		}
		if m, rest, err := l.files.inside(name); err == nil {
			*file, o.Repo, o.Ref = rest, repourl.Redact(m.at.RepoURL), m.at.Revision
		}
	}
	return o
}
