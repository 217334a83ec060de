package drift

import (
	"slices"

	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/drift/known"
	"github.com/trueup-dev/trueup/drift/ownership"
	"github.com/trueup-dev/trueup/internal/object"
)

// ready makes the case that rules judge: one for a comparison, which moves
// from difference to difference.
func (c *comparison) ready() {
	c.judged = known.Case{
		Key: c.key, Git: c.desired, Cluster: c.live, Unowned: len(c.claims) == 0, World: c.world, Manager: c.manager,
		By:   func() *ownership.Claim { return c.blame(c.here, c.judged.Live) },
		Path: func() object.Path { return c.here.path() },
	}
}

// rule names what explains a difference; empty when nothing does.
func (c *comparison) rule(p *place, desired, live any) string {
	c.here, c.judged.Name, c.judged.Desired, c.judged.Live = p, p.name(), desired, live
	for i := range c.rules {
		if r := &c.rules[i]; p.inside(r.Path) && r.When(&c.judged) {
			return r.Name
		}
	}
	return ""
}

// inside is below, where * also stands for any key.
func (p *place) inside(path []string) bool {
	depth := p.depth()
	for ; depth > len(path); depth-- {
		p = p.up
	}
	if depth < len(path) {
		return false
	}
	for _, name := range slices.Backward(path) {
		if name != "*" && (p.isItem() || p.name() != name) {
			return false
		}
		p = p.up
	}
	return true
}

// userRules are those of the caller and of the manifest that select an object.
// An annotation that is only live does not count: a hand edit must not excuse
// itself.
func (c *comparison) userRules() (*ignore.Set, []ignore.Problem) {
	if c.manifests {
		return nil, nil
	}
	rules := c.user.For(c.key)
	metadata, _ := c.desired["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	text, _ := annotations[ignore.Annotation].(string)
	if text == "" {
		return rules, nil
	}
	own, problems := ignore.FromAnnotation(text)
	return rules.With(own), problems
}

// explained holds the differences against the rules of users, and returns
// them with what these did. What a rule covers is compared once more without
// it: a difference that is gone then is expected.
func (c *comparison) explained(rules *ignore.Set) ([]Field, []ignore.Hit) {
	differences := make([]ignore.Difference, len(c.fields))
	for i, f := range c.fields {
		differences[i] = ignore.Difference{Path: f.Path, Desired: f.Desired, Live: f.Live, Managers: c.managers[i], Manager: f.Manager, Operation: f.Operation}
	}
	ruling := rules.Judge(ignore.Pair{Desired: c.desired, Live: c.live, Private: c.secret}, differences)
	if len(c.fields) == 0 || !ruling.Touched() {
		return c.fields, ruling.Hits
	}
	rest := *c
	pair := ruling.Rest()
	rest.desired, rest.live, rest.fields, rest.managers = pair.Desired, pair.Live, nil, nil
	rest.ready()
	rest.maps(&place{typ: c.root}, pair.Desired, pair.Live)
	left := map[string]bool{}
	for _, f := range rest.fields {
		left[f.Path] = true
	}
	for i, f := range c.fields {
		if left[f.Path] {
			continue
		}
		if f.Class != Expected {
			f.Class, f.Rule = Expected, ruling.Explain(i)
		}
		rest.fields = append(rest.fields, f)
	}
	return rest.fields, ruling.Hits
}
