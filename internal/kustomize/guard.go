package kustomize

import (
	"bytes"
	"errors"
	"io"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/trueup-dev/trueup/internal/fault"
)

// What a YAML document may unfold to.
const (
	maxDepth    = 300
	maxUnfolded = 64 << 20
)

// bounded refuses YAML that aliases blow up, that is nested without end, or
// that has maps of too many keys: kustomize copies what an alias names each
// time. What is not YAML passes. nodes is how many there are in it.
func bounded(data []byte, nodes int) error {
	if nodes > maxNodes {
		return tooManyNodes()
	}
	if nodes <= maxKeys && !suspicious(data) {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	total := 0
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return nil //nolint:nilerr // who reads it as YAML tells, and it may be another kind of file
		}
		size, err := (&unfolding{known: map[*yaml.Node]extent{}}).of(&node)
		if err != nil {
			return err
		}
		if total += size.bytes; total > maxUnfolded {
			return fault.New(fault.Invalid, "its aliases unfold to more than %d MiB", maxUnfolded>>20)
		}
	}
}

// suspicious is a cheap look for what could be too large: aliases, or lines
// and brackets that may be nested deep.
func suspicious(data []byte) bool {
	if bytes.IndexByte(data, '&') >= 0 && bytes.IndexByte(data, '*') >= 0 {
		return true
	}
	open, lead, leading := 0, 0, true
	for _, c := range data {
		switch c {
		case '\n':
			lead, leading = 0, true
			continue
		case ' ', '-', '?':
			if leading {
				lead++
			}
		case '[', '{':
			open++
			leading = false
		case ']', '}':
			open--
			leading = false
		default:
			leading = false
		}
		if open > maxDepth || lead > maxDepth {
			return true
		}
	}
	return false
}

// extent is the size of a node with its aliases unfolded.
type extent struct{ bytes, depth int }

type unfolding struct {
	known map[*yaml.Node]extent
	above int
}

func (u *unfolding) of(n *yaml.Node) (extent, error) {
	if size, ok := u.known[n]; ok {
		if size.bytes < 0 {
			return size, fault.New(fault.Invalid, "line %d: an alias names what it is a part of", n.Line)
		}
		return size, nil
	}
	if u.above++; u.above > 4*maxDepth {
		return extent{}, fault.New(fault.Invalid, "line %d: it is nested more than %d deep", n.Line, maxDepth)
	}
	defer func() { u.above-- }()
	u.known[n] = extent{bytes: -1}
	size := extent{bytes: len(n.Value) + 16, depth: 1}
	parts := n.Content
	if n.Kind == yaml.MappingNode && len(parts)/2 > maxKeys {
		return size, fault.New(fault.Invalid, "line %d: a map has more than %d keys", n.Line, maxKeys)
	}
	if n.Alias != nil {
		parts = []*yaml.Node{n.Alias}
	}
	for _, part := range parts {
		s, err := u.of(part)
		if err != nil {
			return size, err
		}
		size.bytes = min(size.bytes+s.bytes, maxUnfolded+1)
		size.depth = max(size.depth, s.depth+1)
	}
	if size.depth > maxDepth {
		return size, fault.New(fault.Invalid, "line %d: it is nested more than %d deep", n.Line, maxDepth)
	}
	u.known[n] = size
	return size, nil
}

// longestValue is the length of the longest scalar, and of all of it for what
// is not YAML.
func longestValue(data []byte) int {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	longest := 0
	var look func(*yaml.Node)
	look = func(n *yaml.Node) {
		longest = max(longest, len(n.Value))
		for _, part := range n.Content {
			look(part)
		}
	}
	for {
		var node yaml.Node
		switch err := decoder.Decode(&node); {
		case errors.Is(err, io.EOF):
			return longest
		case err != nil:
			return len(data)
		}
		look(&node)
	}
}
