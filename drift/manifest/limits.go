package manifest

import (
	"bytes"

	"go.yaml.in/yaml/v3"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Limits of one input. They are far above what Kubernetes stores: an object
// there is smaller than 2 MiB.
const (
	// MaxDocuments is how many documents with content there may be.
	MaxDocuments = 10_000
	// MaxValues is how many values one document may have, and MaxExpanded how
	// many bytes they may hold, each alias counted as what it stands for.
	MaxValues   = 1_000_000
	MaxExpanded = 16 << 20
	// MaxDepth is how deep values may be nested.
	MaxDepth = 200
	// maxFailures is how many broken documents an error tells about.
	maxFailures = 20
)

// bound refuses a document that decoding would turn into far more than there
// is to read.
func bound(text []byte) error {
	if len(text) > MaxValues && atMost(text) > MaxValues {
		return tooMany()
	}
	if !aliased(text) {
		return nil
	}
	var root yaml.Node // links aliases, and does not follow them
	if err := yaml.Unmarshal(text, &root); err != nil {
		return err
	}
	total := measure{known: map[*yaml.Node]extent{}}.node(&root)
	switch {
	case total.endless:
		return fault.New(fault.Invalid, "an alias stands for a value that it is part of")
	case total.values > MaxValues:
		return tooMany()
	case total.bytes > MaxExpanded:
		return fault.New(fault.Invalid, "its aliases stand for more than %d MiB", MaxExpanded>>20)
	}
	return nil
}

func tooMany() error {
	return fault.New(fault.Invalid, "it has more than %d values", MaxValues)
}

// atMost is a number of values that a document without aliases cannot have
// more of: each but the first follows one of these.
func atMost(text []byte) int {
	n := 1
	for _, c := range text {
		switch c {
		case '\n', ',', ':', '[', '{', '?', '-':
			n++
		}
	}
	return n
}

// aliased reports a text that may hold both an anchor and an alias.
func aliased(text []byte) bool { return marked(text, '&') && marked(text, '*') }

func marked(text []byte, mark byte) bool {
	for at := 0; ; at++ {
		i := bytes.IndexByte(text[at:], mark)
		if i < 0 {
			return false
		}
		at += i
		before := at == 0 || bytes.IndexByte([]byte(" \t\r\n[{,:-?"), text[at-1]) >= 0
		after := at+1 < len(text) && bytes.IndexByte([]byte(" \t\r\n"), text[at+1]) < 0
		if before && after {
			return true
		}
	}
}

// extent is what a value comes to when its aliases are followed.
type extent struct {
	values, bytes int
	endless       bool
}

// measure visits each node once.
type measure struct{ known map[*yaml.Node]extent }

func (m measure) node(n *yaml.Node) extent {
	if e, ok := m.known[n]; ok {
		return e
	}
	m.known[n] = extent{endless: true} // until it is known: what meets it again is inside it
	e := extent{values: 1, bytes: len(n.Value)}
	add := func(other extent) {
		e.values = min(e.values+other.values, MaxValues+1)
		e.bytes = min(e.bytes+other.bytes, MaxExpanded+1)
		e.endless = e.endless || other.endless
	}
	if n.Alias != nil {
		add(m.node(n.Alias))
	}
	for _, child := range n.Content {
		add(m.node(child))
	}
	m.known[n] = e
	return e
}

// deep reports a value that is nested deeper than left.
func deep(value any, left int) bool {
	if left < 0 {
		return true
	}
	switch v := value.(type) {
	case map[string]any:
		for _, child := range v {
			if deep(child, left-1) {
				return true
			}
		}
	case []any:
		for _, child := range v {
			if deep(child, left-1) {
				return true
			}
		}
	}
	return false
}
