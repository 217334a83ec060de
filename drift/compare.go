package drift

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	runtimeschema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/drift/known"
	"github.com/trueup-dev/trueup/drift/ownership"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/object"
)

// Schemas answers what is known about a kind.
type Schemas interface {
	// Kind returns nil for a kind that is not known.
	Kind(runtimeschema.GroupVersionKind) *schema.Type
	// Native reports a kind that the API server itself defines.
	Native(runtimeschema.GroupKind) bool
}

// Input is what there is to compare. Nothing in it is changed.
type Input struct {
	Desired, Live []*unstructured.Unstructured
	// Schemas may be nil: then the structure is guessed. CRDs among the
	// objects are used in any case.
	Schemas Schemas
	// Manager is our field manager; object.FieldManager when empty.
	Manager string
	// Controllers are further managers whose additions are expected; a
	// trailing * matches any rest.
	Controllers []string
	// Rules are those of users: which differences they expect. Those that an
	// object in Git carries as an annotation count in any case.
	Rules *ignore.Set
	// Around are further live objects, which are not compared: autoscalers
	// that explain what others have.
	Around []*unstructured.Unstructured
	// MaskKey keys the marks that stand for secret values. Marks of reports
	// made with the same key can be compared with each other.
	MaskKey []byte
}

// Compare tells for each object whether live is what Git says.
//
// An object of Live that is not desired is Extra if somebody tracks it: its
// tracking id names that very object. Others are not reported. One that the
// comparison breaks on is Unknown, and the others are compared.
func Compare(in Input) Report {
	shared := newSettings(in)
	live := object.Index(valid(in.Live))
	report := Report{Objects: []Object{}}
	for key, desired := range object.Index(valid(in.Desired)) {
		liveKey, found := locate(key, live, in.Desired)
		if !found {
			report.Objects = append(report.Objects, newObject(key, Missing))
			continue
		}
		report.Objects = append(report.Objects, shared.guarded(liveKey, desired, live[liveKey]))
		if !owned(live[liveKey]) {
			report.Unowned = append(report.Unowned, liveKey.Short())
		}
		live[liveKey] = nil // compared
	}
	for key, u := range live {
		if u == nil {
			continue
		}
		if _, tracked := object.OwnerOf(u); tracked {
			report.Objects = append(report.Objects, newObject(key, Extra))
		}
	}
	slices.SortFunc(report.Objects, func(a, b Object) int { return a.Key().Compare(b.Key()) })
	slices.Sort(report.Unowned)
	return report
}

// owned reports whether an object tells who wrote it.
func owned(u *unstructured.Unstructured) bool {
	metadata, _ := u.Object["metadata"].(map[string]any)
	entries, _ := metadata["managedFields"].([]any)
	return len(entries) > 0
}

func valid(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	out := make([]*unstructured.Unstructured, 0, len(objects))
	for _, u := range objects {
		if u != nil && u.Object != nil {
			out = append(out, u)
		}
	}
	return out
}

// locate finds the live object of a desired one. A manifest without a
// namespace means wherever it was applied: the only live object of that name,
// unless another manifest claims it.
func locate(key object.Key, live map[object.Key]*unstructured.Unstructured, desired []*unstructured.Unstructured) (object.Key, bool) {
	if live[key] != nil {
		return key, true
	}
	if key.Namespace != "" {
		return key, false
	}
	var match object.Key
	for k, u := range live {
		if u == nil || k.Group != key.Group || k.Kind != key.Kind || k.Name != key.Name {
			continue
		}
		if match.Name != "" {
			return key, false
		}
		match = k
	}
	claimed := slices.ContainsFunc(desired, func(u *unstructured.Unstructured) bool { return u != nil && object.KeyOf(u) == match })
	return match, match.Name != "" && !claimed
}

// object compares one desired with one live object.
func (s *settings) object(key object.Key, desired, live *unstructured.Unstructured) Object {
	typ := s.schemas.Kind(desired.GroupVersionKind())
	want, have := desired.Object, live.Object
	if desired.GetAPIVersion() != live.GetAPIVersion() {
		want, have = align(want, have, typ, s.schemas.Kind(live.GroupVersionKind()))
	}
	c := &comparison{
		settings: s,
		key:      key,
		native:   s.schemas.Native(key.GroupKind()),
		secret:   key.IsSecret(),
		rules:    known.For(s.rules, key),
		claims:   ownership.Of(live.Object),
	}
	if c.secret {
		want, have = encodeSecret(want), encodeSecret(have)
	}
	c.desired, c.live, c.root = want, have, typ
	rules, problems := c.userRules()
	c.asked = rules
	c.ready()
	c.maps(&place{typ: typ}, want, have)

	result := newObject(key, InSync)
	if rules != nil {
		c.fields, result.Rules = c.explained(rules)
	}
	for _, p := range problems {
		result.Rules = append(result.Rules, ignore.Hit{Rule: ignore.AnnotationRule, Message: p.Message, Malformed: true})
	}
	result.Fields = append(result.Fields, c.fields...)
	slices.SortStableFunc(result.Fields, func(a, b Field) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Class, b.Class))
	})
	if slices.ContainsFunc(result.Fields, Field.ToSync) {
		result.State = Modified
	}
	return result
}
