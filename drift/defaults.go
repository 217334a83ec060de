package drift

import (
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/drift/known"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/object"
)

// ignored reports fields that are no part of what anybody declares: status,
// what the server keeps in metadata, kubectl's record of the last apply, and
// our own marks unless Git spells them out.
func (c *comparison) ignored(p *place, desired any) bool {
	if p.isItem() {
		return false
	}
	name := p.name()
	switch p.depth() {
	case 1:
		return name == "status" || name == "apiVersion" || name == "kind"
	case 2:
		return p.up.name() == "metadata" && serverMetadata(name)
	case 3:
		if desired == nil && (p.at("metadata", "annotations", object.TrackingAnnotation) || p.at("metadata", "labels", object.ManagedLabel)) {
			return true
		}
	}
	switch p.up.name() {
	case "annotations":
		return name == "kubectl.kubernetes.io/last-applied-configuration"
	case "metadata":
		return name == "creationTimestamp"
	}
	return name == "status" && p.at("spec", "volumeClaimTemplates", "*", "status")
}

func serverMetadata(name string) bool {
	switch name {
	case "name", "namespace", "generateName", "uid", "resourceVersion", "generation", "creationTimestamp",
		"managedFields", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds":
		return true
	}
	return false
}

// isStringMap reports a map of strings, whose keys are told one by one. A
// field without a schema is known by its name.
func isStringMap(p *place, values map[string]any) bool {
	if p == nil || p.up == nil {
		return false
	}
	if p.typ.Known() {
		if !p.typ.IsMap() {
			return false
		}
		return p.typ.Elem.Scalar == schema.String || p.typ.Elem.Scalar == schema.Byte
	}
	switch p.name() {
	case "labels", "annotations", "matchLabels", "nodeSelector", "selector", "data", "stringData", "binaryData":
	default:
		return false
	}
	for _, v := range values {
		if _, ok := v.(string); !ok {
			return false
		}
	}
	return true
}

// isDefault reports a value that the server fills in by itself. Who creates
// an object without apply owns these as well, without having asked for them.
func (c *comparison) isDefault(p *place, live any) bool {
	if p.typ != nil && p.typ.Default != nil && compact(p.typ.Default) == compact(live) {
		return true
	}
	if c.native && p.up.name() == "requests" {
		limits, _ := p.up.siblings["limits"].(map[string]any)
		return limits[p.name()] == live
	}
	if !c.native || isStringMap(p.up, p.siblings) || p.up != nil && p.up.typ.IsMap() {
		return false
	}
	if !p.isItem() && (live == "" || derived(p, live) || c.knownDefault(p.name(), live)) {
		return true
	}
	m, ok := live.(map[string]any)
	if !ok || isStringMap(p, m) || p.typ.IsMap() {
		return false
	}
	for name, value := range m {
		if !known.Empty(value) && !c.isDefault(p.field(name, m), value) {
			return false
		}
	}
	return true
}

// knownDefault reports a value that the server's types give to a field of
// that name.
func (c *comparison) knownDefault(name string, live any) bool {
	return slices.ContainsFunc(c.defaults[name], func(value any) bool { return compact(value) == compact(live) })
}

// derived reports defaults that follow from the fields beside them.
func derived(p *place, live any) bool {
	switch p.name() {
	case "targetPort":
		return schema.Any.Equal(p.siblings["port"], live)
	case "serviceAccount":
		return p.siblings["serviceAccountName"] == live
	case "imagePullPolicy":
		image, _ := p.siblings["image"].(string)
		image, _, _ = strings.Cut(image, "@")
		name := image[strings.LastIndex(image, "/")+1:]
		_, tag, tagged := strings.Cut(name, ":")
		if !tagged || tag == "latest" {
			return live == "Always"
		}
		return live == "IfNotPresent"
	case "ipFamilies":
		list, _ := live.([]any)
		return len(list) == 1
	}
	return false
}

// equal compares two scalars as the server would read them.
func (c *comparison) equal(p *place, desired, live any) bool {
	kind := schema.Any
	if p.typ != nil {
		kind = p.typ.Scalar
	}
	if kind == schema.Any && p.quantity {
		kind = schema.Quantity
	}
	return kind.Equal(desired, live)
}
