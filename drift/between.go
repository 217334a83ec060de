package drift

import (
	"encoding/base64"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift/mask"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/object"
)

// Manifests is what two commits describe. Nothing in it is changed.
type Manifests struct {
	Before, After []*unstructured.Unstructured
	// Schemas may be nil: then the structure is guessed. CRDs among the
	// objects are used in any case.
	Schemas Schemas
	// MaskKey keys the marks that stand for secret values.
	MaskKey []byte
}

// Between tells what the change from one commit to another means, by the same
// rules as Compare: order of keyed lists, defaults and spellings of quantities
// are no change. Of each field, Desired is what After says and Live what Before
// said; the class is Declared, or Removed where After has nothing. An object is
// Missing where only After has it, Extra where only Before does. Rules of users
// do not count, and neither do the marks of ownership.
func Between(in Manifests) Report {
	s := &settings{
		schemas:   layers{definitions(Input{Desired: in.After, Live: in.Before}), in.Schemas},
		manager:   object.FieldManager,
		defaults:  schema.ServerDefaults(),
		mask:      mask.Masker{Key: in.MaskKey},
		manifests: true,
	}
	before := object.Index(valid(in.Before))
	report := Report{Objects: []Object{}}
	for key, after := range object.Index(valid(in.After)) {
		was := before[key]
		if was == nil {
			report.Objects = append(report.Objects, newObject(key, Missing))
			continue
		}
		o := s.object(key, after, was)
		if key.IsSecret() {
			hideQuotes(&o, s.mask, was, after)
		}
		if a, b := after.GetAPIVersion(), was.GetAPIVersion(); a != b {
			o.Fields = append([]Field{{Path: "apiVersion", Desired: a, Live: b, Class: Declared}}, o.Fields...)
			o.State = Modified
		}
		report.Objects = append(report.Objects, o)
		delete(before, key)
	}
	for key := range before {
		report.Objects = append(report.Objects, newObject(key, Extra))
	}
	slices.SortFunc(report.Objects, func(a, b Object) int { return a.Key().Compare(b.Key()) })
	return report
}

// Masked is an object with marks in place of secret values, and without what
// trueup adds to know its own: what a report may show of it as a whole.
func Masked(u *unstructured.Unstructured, key []byte) map[string]any {
	out := u.DeepCopy()
	unstructured.RemoveNestedField(out.Object, "metadata", "annotations", object.TrackingAnnotation)
	unstructured.RemoveNestedField(out.Object, "metadata", "labels", object.ManagedLabel)
	for _, name := range []string{"annotations", "labels"} {
		if m, ok, _ := unstructured.NestedMap(out.Object, "metadata", name); ok && len(m) == 0 {
			unstructured.RemoveNestedField(out.Object, "metadata", name)
		}
	}
	unstructured.RemoveNestedField(out.Object, "metadata", "managedFields")
	if !object.KeyOf(u).IsSecret() {
		return out.Object
	}
	masker := mask.Masker{Key: key}
	for name, v := range out.Object {
		if !plainInSecret(name) {
			out.Object[name], _ = masker.Pair(v, nil)
		}
	}
	values := secretValues(u.Object)
	for _, name := range []string{"annotations", "labels"} {
		texts, _, _ := unstructured.NestedFieldNoCopy(out.Object, "metadata", name)
		all, _ := texts.(map[string]any)
		for key, v := range all {
			if quotes(key, v, values) {
				all[key], _ = masker.Pair(v, nil)
			}
		}
	}
	return out.Object
}

// hideQuotes masks what fields of a Secret show of its values beyond data.
func hideQuotes(o *Object, masker mask.Masker, sides ...*unstructured.Unstructured) {
	var values []string
	for _, u := range sides {
		values = append(values, secretValues(u.Object)...)
	}
	for i := range o.Fields {
		f := &o.Fields[i]
		root, rest := f.Path, ""
		if end := strings.IndexAny(f.Path, ".["); end >= 0 {
			root, rest = f.Path[:end], f.Path[end:]
		}
		switch {
		case root == "data" || root == "stringData": // masked by the comparison
		case !plainInSecret(root):
			f.Desired, f.Live = masker.Pair(f.Desired, f.Live)
		case root == "metadata" && (quotes(rest, f.Desired, values) || quotes(rest, f.Live, values)):
			f.Desired, f.Live = masker.Pair(f.Desired, f.Live)
		}
	}
}

// plainInSecret tells the fields of a Secret that hold no value of it. A
// misspelt stringData does.
func plainInSecret(field string) bool {
	switch field {
	case "apiVersion", "kind", "metadata", "type", "immutable", "status":
		return true
	}
	return false
}

// leastQuoted bounds the values that are looked for in other texts: shorter
// ones are in many by chance.
const leastQuoted = 6

// secretValues are a Secret's values, as they are and in base64.
func secretValues(secret map[string]any) []string {
	var out []string
	for name, v := range secret {
		values, ok := v.(map[string]any)
		if !ok || plainInSecret(name) {
			continue
		}
		for _, v := range values {
			text, ok := v.(string)
			if !ok || len(text) < leastQuoted {
				continue
			}
			out = append(out, text, base64.StdEncoding.EncodeToString([]byte(text)))
			if decoded, ok := schema.DecodeBase64(text); ok && len(decoded) >= leastQuoted {
				out = append(out, string(decoded))
			}
		}
	}
	return out
}

// quotes tells whether something below a Secret's metadata repeats its values:
// the places where tools keep a copy of all of an object, which may be an older
// one or packed, and any text that has a value in it.
func quotes(path string, v any, values []string) bool {
	for _, name := range []string{"kubectl.kubernetes.io/last-applied-configuration", "kapp.k14s.io/original", "objectset.rio.cattle.io/applied"} {
		if strings.Contains(path, name) {
			return v != nil
		}
	}
	switch v := v.(type) {
	case string:
		return slices.ContainsFunc(values, func(value string) bool { return strings.Contains(v, value) })
	case map[string]any:
		for name, child := range v {
			if quotes(name, child, values) {
				return true
			}
		}
	}
	return false
}
