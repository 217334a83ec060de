package orphan

import (
	"regexp"
	"slices"
	"strings"

	"github.com/gobwas/glob"
	runtimeschema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/internal/object"
)

// Object is what is known of one object: its metadata.
type Object struct {
	Key                 object.Key
	Labels, Annotations map[string]string
	// Owned says that it has an ownerReference: it goes with its owner.
	Owned bool
}

// Ignore selects objects that are meant to be there. Patterns are globs; an
// empty kind or name is any, an empty group is the core group.
type Ignore struct{ Group, Kind, Name string }

// Find returns the keys of those that nobody tracks, sorted. The objects are
// all those of one namespace, so that claims find their StatefulSets.
func Find(all []Object, ignore []Ignore) []object.Key {
	var sets []string
	for _, o := range all {
		if o.Key.Group == "apps" && o.Key.Kind == "StatefulSet" {
			sets = append(sets, o.Key.Name)
		}
	}
	ignored := compile(ignore)
	var out []object.Key
	for _, o := range all {
		if o.Owned || tracked(o) || copied(o) || claimOf(o.Key, sets) || ignored.match(o.Key) {
			continue
		}
		out = append(out, o.Key)
	}
	slices.SortFunc(out, object.Key.Compare)
	return slices.Compact(out)
}

// tracked reports a mark of whoever looks after the object: an application,
// or another tool that deploys from Git. A tracking id that names another
// object is a copy's, and its original is told instead.
func tracked(o Object) bool {
	if o.Annotations[object.TrackingAnnotation] != "" {
		return true
	}
	for _, m := range marks() {
		values := o.Labels
		if m.annotation {
			values = o.Annotations
		}
		if values[m.name] != "" {
			return true
		}
	}
	return false
}

func copied(o Object) bool {
	return slices.ContainsFunc(copies(), func(c Copy) bool { return c.matches(o) })
}

// Skips reports kinds whose objects are never orphaned, which need not be
// listed.
func Skips(gk runtimeschema.GroupKind) bool {
	return slices.ContainsFunc(copies(), func(c Copy) bool {
		return (c.Group == "*" || c.Group == gk.Group) && (c.Kind == "*" || c.Kind == gk.Kind) && c.Name == "" && c.Mark == ""
	})
}

var ordinal = regexp.MustCompile(`^(.+)-\d+$`)

// claimOf reports a claim that a StatefulSet made of its templates: it has no
// owner, and is named <template>-<set>-<ordinal>.
func claimOf(key object.Key, sets []string) bool {
	if key.Group != "" || key.Kind != "PersistentVolumeClaim" {
		return false
	}
	found := ordinal.FindStringSubmatch(key.Name)
	return found != nil && slices.ContainsFunc(sets, func(set string) bool { return strings.HasSuffix(found[1], "-"+set) })
}

type pattern struct{ group, kind, name *glob.Pattern }

type patterns []pattern

// compile reads patterns. One that is no glob matches itself.
func compile(all []Ignore) patterns {
	var out patterns
	for _, i := range all {
		out = append(out, pattern{globOf(i.Group, false), globOf(i.Kind, true), globOf(i.Name, true)})
	}
	return out
}

// globOf is nil for what matches anything.
func globOf(text string, emptyIsAny bool) *glob.Pattern {
	if text == "" && emptyIsAny {
		return nil
	}
	g, err := glob.Compile(text)
	if err != nil {
		return glob.MustCompile(glob.QuoteMeta(text))
	}
	return g
}

func (p patterns) match(key object.Key) bool {
	is := func(g *glob.Pattern, text string) bool { return g == nil || g.Match(text) }
	return slices.ContainsFunc(p, func(one pattern) bool {
		return is(one.group, key.Group) && is(one.kind, key.Kind) && is(one.name, key.Name)
	})
}
