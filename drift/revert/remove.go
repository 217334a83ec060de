package revert

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/ignore"
)

// Removal takes one value out of one version of an object.
type Removal struct {
	// Pointer is the JSON pointer of the value, list items by their index.
	Pointer string `json:"pointer"`
	// Paths are the differences that are gone with it, as reports print them.
	Paths []string `json:"paths"`
}

// Kept says why a hand-added value is never removed; empty where it may be.
func Kept(f drift.Field) string {
	switch {
	case f.Class != drift.Undeclared:
		return "Git declares it, or a rule expects it"
	case f.Shared != "":
		return f.Shared + " owns a part of it"
	case f.Path == "metadata.finalizers" || strings.HasPrefix(f.Path, "metadata.finalizers["):
		return "a finalizer is taken away by whoever waits for it"
	case f.Path == "metadata.ownerReferences" || strings.HasPrefix(f.Path, "metadata.ownerReferences["):
		return "an owner reference decides about deletion"
	}
	return ""
}

// Removals tells where hand-added values stand in live, in an order in which
// they can be removed one after the other. What Git does not have either is
// removed as a whole once nothing would be left in it. lost are paths that do
// not lead to one place.
func Removals(desired, live *unstructured.Unstructured, fields []drift.Field) (out []Removal, lost []string) {
	if live == nil {
		return nil, nil
	}
	have := drift.AsStored(live)
	var want map[string]any
	if desired != nil {
		want = drift.AsStored(desired)
	}
	all := map[string]*taking{}
	for _, f := range fields {
		at, shared, ok := ignore.Locate(f.Path, have, want)
		if !ok || Kept(f) != "" {
			lost = append(lost, f.Path)
			continue
		}
		all[pointer(at)] = &taking{at: at, shared: shared, paths: []string{f.Path}}
	}
	for collapse(all, have) {
	}
	takings := make([]*taking, 0, len(all))
	for _, t := range all {
		takings = append(takings, t)
	}
	// Later items first: what is before them keeps its index.
	slices.SortFunc(takings, func(a, b *taking) int { return compare(b.at, a.at) })
	for _, t := range takings {
		slices.Sort(t.paths)
		out = append(out, Removal{Pointer: pointer(t.at), Paths: t.paths})
	}
	return out, lost
}

// taking is a value to remove. The first shared of the steps to it are there
// in Git, too.
type taking struct {
	at     []any
	shared int
	paths  []string
}

// collapse puts one value around in the place of all that is in it, where Git
// does not have it, and tells whether it did.
func collapse(all map[string]*taking, have map[string]any) bool {
	const top = 2 // spec and metadata themselves stay
	for _, t := range all {
		up := t.at[:len(t.at)-1]
		if len(up) < top || len(up) <= t.shared {
			continue
		}
		inside := members(have, up)
		whole := &taking{at: up, shared: t.shared}
		for _, member := range inside {
			one := all[pointer(append(slices.Clone(up), member))]
			if one == nil {
				whole = nil
				break
			}
			whole.paths = append(whole.paths, one.paths...)
		}
		if whole == nil {
			continue
		}
		for _, member := range inside {
			delete(all, pointer(append(slices.Clone(up), member)))
		}
		all[pointer(up)] = whole
		return true
	}
	return false
}

// members lists the keys or the indices of what stands at a place.
func members(root any, at []any) []any {
	for _, step := range at {
		switch v := root.(type) {
		case map[string]any:
			name, _ := step.(string)
			root = v[name]
		case []any:
			i, _ := step.(int)
			root = v[i]
		}
	}
	var out []any
	switch v := root.(type) {
	case map[string]any:
		for name := range v {
			out = append(out, name)
		}
	case []any:
		for i := range v {
			out = append(out, i)
		}
	}
	return out
}

func compare(a, b []any) int {
	for i := range min(len(a), len(b)) {
		x, numeric := a[i].(int)
		y, both := b[i].(int)
		order := 0
		if numeric && both {
			order = cmp.Compare(x, y)
		} else {
			order = cmp.Compare(fmt.Sprint(a[i]), fmt.Sprint(b[i]))
		}
		if order != 0 {
			return order
		}
	}
	return cmp.Compare(len(a), len(b))
}

// pointer prints a place as RFC 6901 has it.
func pointer(at []any) string {
	var b strings.Builder
	for _, step := range at {
		b.WriteByte('/')
		switch step := step.(type) {
		case int:
			b.WriteString(strconv.Itoa(step))
		case string:
			b.WriteString(strings.ReplaceAll(strings.ReplaceAll(step, "~", "~0"), "/", "~1"))
		}
	}
	return b.String()
}
