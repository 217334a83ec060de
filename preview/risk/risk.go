package risk

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/internal/object"
)

// Severity orders findings.
type Severity string

// The severities, the gravest first. Off turns a rule off.
const (
	Critical Severity = "critical" // data or access may be lost
	Warning  Severity = "warning"  // look twice
	Notice   Severity = "notice"   // worth knowing
	Off      Severity = "off"
)

// rank is 0 for the gravest.
func (s Severity) rank() int {
	i := slices.Index([]Severity{Critical, Warning, Notice, Off}, s)
	if i < 0 {
		return 3
	}
	return i
}

// AtLeast reports a severity as grave as another one, or graver. Nothing is as
// grave as Off.
func (s Severity) AtLeast(o Severity) bool { return o != Off && s != Off && s.rank() <= o.rank() }

// Finding is a risk that a change has.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// Application, Cluster and Object say where; the caller fills in the first two.
	Application string `json:"application,omitempty"`
	Cluster     string `json:"cluster,omitempty"`
	Object      string `json:"object,omitempty"`
	Message     string `json:"message"`
}

// Change is what happens to one object. Before and After are its manifests;
// nil is none.
type Change struct {
	Key object.Key
	// Was is the key of Before where the object gets another name; else zero.
	Was           object.Key
	Before, After map[string]any
	// Deleted: the object goes away, if only for one under a new name. Created
	// likewise.
	Deleted, Created bool
	// Kept is why what is deleted stays in the cluster; empty where it goes.
	Kept string
	// Paths are those of the fields that change.
	Paths []string
	// Live is what a cluster says of the change; nil where none was asked. Rules
	// look at either.
	Live *Live
}

// Rule is one question about a change.
type Rule struct {
	Name     string
	Severity Severity
	// About says in a sentence what it finds, for the documentation.
	About string
	// Kinds are those it looks at, as Kind or group/Kind; none is all.
	Kinds []string
	// Gone: it is about what goes away, which of a rename is the old object.
	Gone bool
	// Live: it looks at what a cluster says, and at nothing else.
	Live bool
	// Find returns a message for each thing it finds; nil where others find.
	Find func(c Change) []string
}

// Set is rules with their severities.
type Set struct{ rules []Rule }

// Default is the built-in rules.
func Default() *Set { return &Set{rules: Rules()} }

// With gives rules other severities, by name. A name that no rule has, or a
// word that is no severity, is an error.
func (s *Set) With(severities map[string]Severity) (*Set, error) {
	out := &Set{rules: slices.Clone(s.rules)}
	var unknown []string
	for name, severity := range severities {
		i := slices.IndexFunc(out.rules, func(r Rule) bool { return r.Name == name })
		if i < 0 {
			unknown = append(unknown, fmt.Sprintf("there is no rule %q", name))
			continue
		}
		if !slices.Contains([]Severity{Critical, Warning, Notice, Off}, severity) {
			unknown = append(unknown, fmt.Sprintf("rule %s: %q is no severity; want critical, warning, notice or off", name, severity))
			continue
		}
		out.rules[i].Severity = severity
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return nil, fmt.Errorf("set severities: %s", strings.Join(unknown, "; "))
	}
	return out, nil
}

// Severity is a rule's; Off for one that is not there.
func (s *Set) Severity(rule string) Severity {
	for _, r := range s.rules {
		if r.Name == rule {
			return r.Severity
		}
	}
	return Off
}

// Judge asks every rule that looks at the kind.
func (s *Set) Judge(c Change) []Finding {
	var out []Finding
	for _, r := range s.rules {
		if r.Severity == Off || r.Find == nil || r.Live != (c.Live != nil) || !r.looksAt(c.Key) {
			continue
		}
		about := c.Key
		if r.Gone && c.Was != (object.Key{}) {
			about = c.Was
		}
		for _, message := range r.Find(c) {
			out = append(out, Finding{Rule: r.Name, Severity: r.Severity, Object: about.Short(), Message: message})
		}
	}
	return out
}

func (r Rule) looksAt(k object.Key) bool {
	return len(r.Kinds) == 0 || slices.Contains(r.Kinds, k.Kind) || slices.Contains(r.Kinds, k.Group+"/"+k.Kind)
}

// Sort puts the gravest first, without repeats.
func Sort(all []Finding) []Finding {
	out := slices.Clone(all)
	slices.SortFunc(out, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.Severity.rank(), b.Severity.rank()), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Object, b.Object),
			cmp.Compare(a.Message, b.Message), cmp.Compare(a.Application, b.Application), cmp.Compare(a.Cluster, b.Cluster),
		)
	})
	out = slices.Compact(out)
	if out == nil {
		out = []Finding{}
	}
	return out
}
