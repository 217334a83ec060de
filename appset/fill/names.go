package fill

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/trueup-dev/trueup/appset/place"
	"github.com/trueup-dev/trueup/appset/text"
	"github.com/trueup-dev/trueup/internal/fault"
)

// named reports the names in an application that no object of Kubernetes can
// have, where their templates are. A name that is empty is told elsewhere.
func (t *Template) named(out *Filled) error {
	var all place.Problems
	check := func(path, what, value string, bad []string) {
		if len(bad) > 0 {
			all.Add(t.origin(out, path), fault.New(fault.Invalid, "the %s %q: %s", what, value, bad[0]))
		}
	}
	app := &out.Application
	if app.Name != "" {
		check("metadata.name", "name", app.Name, validation.IsDNS1123Subdomain(app.Name))
	}
	for _, key := range slices.Sorted(maps.Keys(app.Labels)) {
		path := text.Join("metadata.labels", key)
		check(path+text.KeySuffix, "label", key, validation.IsQualifiedName(key))
		check(path, "value", app.Labels[key], validation.IsValidLabelValue(app.Labels[key]))
	}
	for _, key := range slices.Sorted(maps.Keys(app.Annotations)) {
		check(text.Join("metadata.annotations", key)+text.KeySuffix, "annotation", key, validation.IsQualifiedName(strings.ToLower(key)))
	}
	if to := app.Spec.Destination.Namespace; to != "" {
		check("spec.destination.namespace", "namespace", to, validation.IsDNS1123Label(to))
	}
	return all.Err()
}

// origin is where in the document a path of a filled application comes from.
func (t *Template) origin(out *Filled, path string) string {
	from := t.from(path)
	for _, one := range out.Texts { // a patch is the last of them
		if one.Path == path || one.Path == strings.TrimSuffix(path, text.KeySuffix) && one.From == "templatePatch" {
			from = one.From
		}
	}
	return strings.TrimSuffix(from, text.KeySuffix)
}
