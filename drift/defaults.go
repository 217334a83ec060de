package drift

import (
	"math"
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
	if filled := p.typ.Filled(); filled != nil && compact(filled) == compact(live) {
		return true
	}
	if c.native && c.key.Kind == "Pod" && p.up.name() == "requests" {
		limits, _ := p.up.siblings["limits"].(map[string]any)
		return schema.Quantity.Equal(limits[p.name()], live)
	}
	if !c.native || isStringMap(p.up, p.siblings) || p.up != nil && p.up.typ.IsMap() {
		return false
	}
	if !p.isItem() && (live == "" || c.derived(p, live) || c.knownDefault(p, live)) {
		return true
	}
	m, ok := live.(map[string]any)
	return ok && !isStringMap(p, m) && !p.typ.IsMap() && !c.says(p, live) && c.allDefaults(p, m)
}

func (c *comparison) allDefaults(p *place, members map[string]any) bool {
	for name, value := range members {
		if child := p.field(name, members); (!known.Empty(value) || c.says(child, value)) && !c.isDefault(child, value) {
			return false
		}
	}
	return true
}

// says reports an empty value which is not the same as nothing. In custom
// resources, which are stored as they are sent, that is any object; maps and
// lists hold nothing there either.
func (c *comparison) says(p *place, v any) bool {
	if v == nil || !known.Empty(v) {
		return false
	}
	_, object := v.(map[string]any)
	if c.native {
		return (object || p.typ != nil && !p.typ.Known()) && schema.Presence(p.name(), p.typ)
	}
	if !object || p.typ.IsMap() || p.name() != "selector" && isStringMap(p, nil) {
		return false
	}
	for ; p != nil; p = p.up {
		if p.name() == "metadata" {
			return false
		}
	}
	return true
}

// knownDefault reports a value that the server's types give to a field at that
// place.
func (c *comparison) knownDefault(p *place, live any) bool {
	return slices.ContainsFunc(c.defaults[p.name()], func(d schema.Default) bool {
		if !d.For(c.key.Kind) || compact(d.Value) != compact(live) {
			return false
		}
		up := p.up
		for _, name := range slices.Backward(d.Above) {
			if up.up == nil || up.isItem() != (name == "*") || name != "*" && up.name() != name {
				return false
			}
			up = up.up
		}
		return len(d.Kinds) == 0 || up.up == nil
	})
}

// derived reports defaults that follow from the fields beside them.
func (c *comparison) derived(p *place, live any) bool {
	switch p.name() {
	case "targetPort":
		return schema.Any.Equal(p.siblings["port"], live)
	case "serviceAccount":
		return schema.Any.Equal(p.siblings["serviceAccountName"], live)
	case "imagePullPolicy":
		image, _ := p.siblings["image"].(string)
		return live == pullPolicy(image)
	case "pullPolicy":
		image, _ := p.siblings["reference"].(string)
		return live == pullPolicy(image)
	case "emptyDir": // of a volume without a source
		return compact(p.siblings["emptyDir"]) == "{}" && len(p.siblings) == 2
	case "ipFamilies":
		list, _ := live.([]any)
		return len(list) == 1
	case "policyTypes":
		if known.Empty(p.siblings["egress"]) {
			return compact(live) == `["Ingress"]`
		}
		return compact(live) == `["Ingress","Egress"]`
	case "apiGroup": // of a subject
		kind := p.siblings["kind"]
		return p.up.isItem() && (kind == "User" || kind == "Group") && live == "rbac.authorization.k8s.io"
	}
	return c.key.Kind == "Job" && derivedOfJob(p, live)
}

func derivedOfJob(p *place, live any) bool {
	if !p.up.at("spec") {
		return false
	}
	switch p.name() {
	case "completions":
		return schema.Any.Equal(p.siblings["parallelism"], live) && schema.Any.Equal(int64(1), live)
	case "backoffLimit":
		if p.siblings["backoffLimitPerIndex"] != nil {
			return schema.Any.Equal(int64(math.MaxInt32), live)
		}
		return schema.Any.Equal(int64(6), live)
	case "podReplacementPolicy":
		if p.siblings["podFailurePolicy"] != nil {
			return live == "Failed"
		}
		return live == "TerminatingOrFailed"
	}
	return false
}

// pullPolicy is what the server sets for an image: one without a tag has the
// tag latest, but for one with a digest.
func pullPolicy(image string) string {
	image, _, digest := strings.Cut(image, "@")
	_, tag, tagged := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	if tag == "latest" || !tagged && !digest {
		return "Always"
	}
	return "IfNotPresent"
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
