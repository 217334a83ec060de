package ignore

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/trueup-dev/trueup/drift/jq"
	"github.com/trueup-dev/trueup/internal/object"
)

// Limits of one rule. They are far above what people write.
const (
	maxEntries = 200  // paths, pointers, expressions or managers of one kind
	maxText    = 4096 // characters of one of them
	maxGlob    = 256
)

// Rule is what a user wrote.
type Rule struct {
	// Name is how reports call it, such as "ignoreDifferences[2]".
	Name string `json:"-"`
	// At is where it is written, for problems; Name when empty.
	At string `json:"-"`

	// Group and Kind are globs. An empty Group is the core group.
	Group string `json:"group,omitempty"`
	Kind  string `json:"kind"`
	// Object and Namespace are exact; empty is any.
	Object    string `json:"name,omitempty"`
	Namespace string `json:"namespace,omitempty"`

	// Paths are written as reports print them, where * and [*] are any key and
	// any item.
	Paths                 []string `json:"paths,omitempty"`
	JSONPointers          []string `json:"jsonPointers,omitempty"`
	JQPathExpressions     []string `json:"jqPathExpressions,omitempty"`
	ManagedFieldsManagers []string `json:"managedFieldsManagers,omitempty"`
	// When is a CEL expression over one difference: desired, live, path,
	// manager, operation and object.
	When string `json:"when,omitempty"`
}

// Problem is something wrong with one rule, or with one entry of it.
type Problem struct {
	// At is its place, such as "ignoreDifferences[2].jqPathExpressions[0]".
	At      string
	Message string
}

func (p Problem) String() string { return p.At + ": " + p.Message }

// Set is a list of rules, ready for use by several goroutines. The nil Set has
// none.
type Set struct {
	rules  []*compiled
	digest string
}

type compiled struct {
	Rule
	groups, kinds []string // alternatives
	places        []finder
	managers      []string
	when          *condition
}

// finder finds the places of one entry of a rule in an object.
type finder interface {
	find(in *jq.Input) ([]spot, error)
}

// Compile makes a Set of all that is well formed, and tells the rest.
func Compile(rules ...Rule) (*Set, []Problem) {
	out := &Set{}
	var problems []Problem
	c := &compiler{}
	for _, r := range rules {
		c.at, c.problems = cmp.Or(r.At, r.Name), nil
		if one := c.rule(r); one != nil {
			out.rules = append(out.rules, one)
		}
		problems = append(problems, c.problems...)
	}
	if len(rules) > 0 {
		out.digest = digestOf(rules)
	}
	if len(out.rules) == 0 && out.digest == "" {
		return nil, problems
	}
	return out, problems
}

func digestOf(rules []Rule) string {
	h := sha256.New()
	for _, r := range rules {
		text, err := json.Marshal(r)
		if err != nil {
			text = []byte(err.Error()) // cannot be: strings only
		}
		fmt.Fprintf(h, "%s %s\n", r.Name, text)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Digest stands for the rules: another text, another digest. The nil Set has
// none.
func (s *Set) Digest() string {
	if s == nil {
		return ""
	}
	return s.digest
}

// With adds the rules of another Set behind these.
func (s *Set) With(more *Set) *Set {
	switch {
	case more == nil:
		return s
	case s == nil:
		return more
	}
	return &Set{rules: append(s.rules[:len(s.rules):len(s.rules)], more.rules...), digest: s.digest + more.digest}
}

// Names lists the rules.
func (s *Set) Names() []string {
	if s == nil {
		return nil
	}
	out := make([]string, len(s.rules))
	for i, r := range s.rules {
		out[i] = r.Name
	}
	return out
}

// For is the Set of the rules that select an object; nil where none does.
func (s *Set) For(key object.Key) *Set {
	if s == nil {
		return nil
	}
	var out *Set
	for _, r := range s.rules {
		if !r.selects(key) {
			continue
		}
		if out == nil {
			out = &Set{}
		}
		out.rules = append(out.rules, r)
	}
	return out
}

func (r *compiled) selects(key object.Key) bool {
	return (r.Object == "" || r.Object == key.Name) && (r.Namespace == "" || r.Namespace == key.Namespace) &&
		matches(r.kinds, key.Kind) && matches(r.groups, key.Group)
}

// compiler reads rules one by one.
type compiler struct {
	at       string
	problems []Problem
	cel      *conditions
}

func (c *compiler) problem(entry, format string, args ...any) {
	c.problems = append(c.problems, Problem{At: c.at + entry, Message: fmt.Sprintf(format, args...)})
}

// rule is nil where nothing of a rule is left to count.
func (c *compiler) rule(r Rule) *compiled {
	out := &compiled{Rule: r}
	ok := true
	for _, glob := range []struct {
		field, text string
		into        *[]string
	}{{".group", r.Group, &out.groups}, {".kind", r.Kind, &out.kinds}} {
		all, err := alternatives(glob.text)
		if err != nil {
			c.problem(glob.field, "%v", err)
			ok = false
		}
		*glob.into = all
	}
	if r.Kind == "" {
		c.problem(".kind", "is required; * is any kind")
		ok = false
	}
	if r.When != "" {
		if c.cel == nil {
			c.cel = newConditions()
		}
		when, err := c.cel.compile(r.When)
		if err != nil {
			// Without its condition the rule would explain more than it says.
			c.problem(".when", "%v", err)
			ok = false
		}
		out.when = when
	}
	c.entries(out, ".paths", r.Paths, func(text string) (finder, error) { return parsePattern(text) })
	c.entries(out, ".jsonPointers", r.JSONPointers, func(text string) (finder, error) { return parsePointer(text) })
	c.entries(out, ".jqPathExpressions", r.JQPathExpressions, func(text string) (finder, error) { return parseExpression(text) })
	for i, name := range r.ManagedFieldsManagers {
		if strings.TrimSpace(name) == "" || len(name) > maxGlob {
			c.problem(fmt.Sprintf(".managedFieldsManagers[%d]", i), "is no manager's name")
			continue
		}
		out.managers = append(out.managers, name)
	}
	if len(r.Paths)+len(r.JSONPointers)+len(r.JQPathExpressions)+len(r.ManagedFieldsManagers) == 0 {
		c.problem("", "names no paths, jsonPointers, jqPathExpressions or managedFieldsManagers: it explains nothing")
	}
	if !ok || len(out.places)+len(out.managers) == 0 {
		return nil
	}
	return out
}

func (c *compiler) entries(out *compiled, field string, all []string, parse func(string) (finder, error)) {
	for i, text := range all {
		at := fmt.Sprintf("%s[%d]", field, i)
		if i >= maxEntries {
			c.problem(at, "a rule has at most %d of these; the rest does not count", maxEntries)
			return
		}
		if len(text) > maxText {
			c.problem(at, "is longer than %d characters", maxText)
			continue
		}
		place, err := parse(text)
		if err != nil {
			c.problem(at, "%v", err)
			continue
		}
		out.places = append(out.places, place)
	}
}
