package param

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Kind is which parameter sets a join keeps.
type Kind string

// Left keeps those of the first list, inner those that every list has, outer
// all of them.
const (
	Left  Kind = "left"
	Inner Kind = "inner"
	Outer Kind = "outer"
)

// Rule is what makes parameter sets of several lists belong together.
type Rule struct {
	Kind Kind
	// Keys are names of parameters. With Nested a name that is not there may
	// also be a path into maps, as values.region.
	Keys   []string
	Nested bool
}

// Join finds the parameter sets that belong together: for each result the
// index of its part in every list, -1 where a list has none. They are in the
// order of the first list, then of the others. Sets of one list that have the
// same keys are an error of kind Invalid that names them.
//
// In a left join keys that are missing are equal, as in Argo CD. In the others
// a set that lacks a key belongs to no other.
func (r Rule) Join(lists [][]map[string]any) ([][]int, error) {
	var out [][]int
	rows := map[string]int{}
	var failures []error
	for i, list := range lists {
		mine := map[string]bool{}
		told := map[string]bool{}
		for j, set := range list {
			key, complete, err := r.key(set)
			if err != nil {
				failures = append(failures, err)
				continue
			}
			alone := r.Kind != Left && !complete
			if mine[key] && !alone && !told[key] {
				told[key] = true
				failures = append(failures, fault.New(fault.Invalid,
					"generators[%d] gives more than one parameter set with %s: they must be unique by the merge keys", i, key))
			}
			row, known := rows[key]
			switch {
			case alone && (i == 0 || r.Kind == Outer):
				out = append(out, only(len(lists), i, j))
			case alone || mine[key]:
			case known:
				out[row][i] = j
			case i == 0 || r.Kind == Outer:
				rows[key] = len(out)
				out = append(out, only(len(lists), i, j))
			}
			mine[key] = true
		}
	}
	if r.Kind == Inner {
		out = everywhere(out)
	}
	return out, errors.Join(failures...)
}

// only is a row with one part.
func only(n, i, j int) []int {
	row := make([]int, n)
	for k := range row {
		row[k] = -1
	}
	row[i] = j
	return row
}

func everywhere(rows [][]int) [][]int {
	var out [][]int
	for _, row := range rows {
		whole := true
		for _, j := range row {
			whole = whole && j >= 0
		}
		if whole {
			out = append(out, row)
		}
	}
	return out
}

// key is the values of the keys as JSON, and whether none is missing.
func (r Rule) key(set map[string]any) (string, bool, error) {
	complete := true
	values := make(map[string]any, len(r.Keys))
	for _, name := range r.Keys {
		value := r.value(set, name)
		complete = complete && value != nil
		values[name] = value
	}
	data, err := json.Marshal(values)
	return string(data), complete, err
}

func (r Rule) value(set map[string]any, name string) any {
	if value, ok := set[name]; ok || !r.Nested {
		return value
	}
	for at, c := range name {
		if c != '.' {
			continue
		}
		if under, ok := asMap(set[name[:at]]); ok {
			if value := r.value(under, name[at+1:]); value != nil {
				return value
			}
		}
	}
	return nil
}

// ParseKind reads the name of a kind; empty is Left.
func ParseKind(text string) (Kind, error) {
	switch kind := Kind(strings.TrimSpace(text)); kind {
	case "":
		return Left, nil
	case Left, Inner, Outer:
		return kind, nil
	}
	return Left, fault.New(fault.Invalid, "%q is none of left, inner, outer", text)
}
