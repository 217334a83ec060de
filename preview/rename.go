package preview

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/object"
)

const (
	// alike is how much of two objects, or of two applications, is the same
	// when one is taken for the other under a new name.
	alike = 0.7
	// maxPairs bounds the comparisons made to find renamed things: beyond
	// it they are told as deleted and created, which is true as well.
	maxPairs = 20_000
)

// hashSuffix is what Kustomize ends the names of generated config maps and
// secrets with.
var hashSuffix = regexp.MustCompile(`-[bcdfghkmt24-9]{10}$`)

// match is one of base and one of head that are taken for the same.
type match[T any] struct {
	from, to T
	score    float64
}

// renamed finds applications that got another name: most of their objects are
// the same, on the same cluster.
func renamed(base, head map[sideID]*Side) []match[sideID] {
	if len(base)*len(head) > maxPairs {
		return nil
	}
	var found []match[sideID]
	for from, b := range base {
		for to, h := range head {
			if b.Cluster != h.Cluster || b.Err != nil || h.Err != nil || h.Maybe {
				continue
			}
			if score := overlap(keysOf(b), keysOf(h)); score >= alike {
				found = append(found, match[sideID]{from, to, score})
			}
		}
	}
	return best(found, func(a, b sideID) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name))
	})
}

func keysOf(s *Side) map[string]bool {
	out := make(map[string]bool, len(s.Objects))
	for _, u := range s.Objects {
		key := object.KeyOf(u)
		if key.Namespace == s.Home {
			key.Namespace = "."
		}
		out[key.String()] = true
	}
	return out
}

// renamedObjects finds objects of one kind and namespace that are alike, and
// returns the new key of each old one.
func renamedObjects(before, after map[object.Key]*unstructured.Unstructured) map[object.Key]object.Key {
	type class struct{ group, kind, namespace string }
	gone, new := map[class][]object.Key{}, map[class][]object.Key{}
	for key := range before {
		if after[key] == nil {
			k := class{key.Group, key.Kind, key.Namespace}
			gone[k] = append(gone[k], key)
		}
	}
	for key := range after {
		if before[key] == nil {
			k := class{key.Group, key.Kind, key.Namespace}
			new[k] = append(new[k], key)
		}
	}
	out := map[object.Key]object.Key{}
	for k, from := range gone {
		to := new[k]
		if len(from)*len(to) > maxPairs {
			continue
		}
		var found []match[object.Key]
		leaves := map[object.Key]map[string]bool{}
		for _, key := range from {
			leaves[key] = leavesOf(before[key])
		}
		for _, key := range to {
			leaves[key] = leavesOf(after[key])
		}
		for _, f := range from {
			for _, t := range to {
				score := overlap(leaves[f], leaves[t])
				if stem := hashSuffix.ReplaceAllString(f.Name, ""); stem != f.Name && stem == hashSuffix.ReplaceAllString(t.Name, "") {
					score = 1 // generated from the same entry
				}
				if score >= alike {
					found = append(found, match[object.Key]{f, t, score})
				}
			}
		}
		for _, m := range best(found, object.Key.Compare) {
			out[m.from] = m.to
		}
	}
	return out
}

// best picks matches, the closest first, so that nothing is in two.
func best[T comparable](found []match[T], compare func(a, b T) int) []match[T] {
	slices.SortFunc(found, func(a, b match[T]) int {
		return cmp.Or(cmp.Compare(b.score, a.score), compare(a.from, b.from), compare(a.to, b.to))
	})
	from, to := map[T]bool{}, map[T]bool{}
	return slices.DeleteFunc(found, func(m match[T]) bool {
		if from[m.from] || to[m.to] {
			return true
		}
		from[m.from], to[m.to] = true, true
		return false
	})
}

// overlap is the share of what two sets have in common, from 0 to 1.
func overlap(a, b map[string]bool) float64 {
	if len(a)+len(b) == 0 {
		return 0
	}
	common := 0
	for k := range a {
		if b[k] {
			common++
		}
	}
	return 2 * float64(common) / float64(len(a)+len(b))
}

// leavesOf lists the values of an object with their places, without its name.
func leavesOf(u *unstructured.Unstructured) map[string]bool {
	out := map[string]bool{}
	for field, value := range u.Object {
		switch field {
		case "apiVersion", "kind", "status":
		case "metadata":
			metadata, _ := value.(map[string]any)
			leaves(out, "labels", metadata["labels"])
			leaves(out, "annotations", metadata["annotations"])
		default:
			leaves(out, field, value)
		}
	}
	return out
}

func leaves(into map[string]bool, at string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, child := range v {
			leaves(into, at+"."+name, child)
		}
	case []any:
		for i, child := range v {
			leaves(into, fmt.Sprintf("%s[%d]", at, i), child)
		}
	case nil:
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return
		}
		into[at+"="+string(text)] = true
	}
}
