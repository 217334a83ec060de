package fill

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/trueup-dev/trueup/appset/place"
	"github.com/trueup-dev/trueup/appset/text"
	"github.com/trueup-dev/trueup/internal/fault"
)

// named reports the names in an application that no object of Kubernetes can
// have, where their templates are. Those that are written so are the set's
// fault; those that a template makes of parameters are the application's, which
// is unfit. A name of its own that cannot be is as good as none, and empty from
// here on; an empty one is told elsewhere.
func (t *Template) named(out *Filled) error {
	var all, unfit place.Problems
	check := func(path, what, value string, bad []string) bool {
		if len(bad) == 0 {
			return true
		}
		from, filled := t.origin(out, path, value)
		into := &all
		if filled {
			into = &unfit
		}
		into.Add(from, fault.New(fault.Invalid, "the %s %q: %s", what, value, bad[0]))
		return false
	}
	app := &out.Application
	if app.Name != "" && !check("metadata.name", "name", app.Name, validation.IsDNS1123Subdomain(app.Name)) {
		app.Name = ""
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
	out.Unfit = unfit.Err()
	return all.Err()
}

// origin is where in the document a value of a filled application comes from,
// and whether a template made it. A template that nothing filled is its value.
func (t *Template) origin(out *Filled, path, value string) (from string, filled bool) {
	from, filled = t.from(path), strings.Contains(value, "{{")
	for _, one := range out.Texts { // a patch is the last of them
		if one.Path == path || one.Path == strings.TrimSuffix(path, text.KeySuffix) && one.From == "templatePatch" {
			from, filled = one.From, strings.Contains(cmp.Or(one.Template, one.Value), "{{")
		}
	}
	return strings.TrimSuffix(from, text.KeySuffix), filled
}
