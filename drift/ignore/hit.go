package ignore

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/trueup-dev/trueup/drift/jq"
)

// Hit tells what one rule did to one object that it selects.
type Hit struct {
	Rule string `json:"rule"`
	// Places are those that it names and that are there, in Git or in live.
	Places int `json:"places"`
	// Fields are the differences that it explains.
	Fields int `json:"fields"`
	// Whole says that nothing that Git declares is left for a comparison,
	// whatever stands there: the rule has no condition.
	Whole bool `json:"whole,omitempty"`
	// Message is what kept the rule, or an entry of it, from counting.
	Message string `json:"message,omitempty"`
	// Malformed says that Message is about the rule, not about the object.
	Malformed bool `json:"malformed,omitempty"`
}

// Pair is one object on both sides.
type Pair struct {
	Desired, Live map[string]any
	// Private keeps the contents of a Secret from conditions; differences come
	// masked.
	Private bool
}

// Ruling is what the rules of a Set say about one object.
type Ruling struct {
	Hits  []Hit
	rules []*compiled
	pair  Pair
	found []*found // for each rule
	// desired and live are what the rules take out of either side.
	desired, live cut
	by            []int // the rule that took each difference, -1 for none
	spent         time.Duration
}

// found are the places of a rule on either side, also as trees.
type found struct {
	desired, live       []spot
	desiredCut, liveCut cut
}

// Judge holds an object against the rules of a Set, which are those of For.
// The differences are those of a comparison of the pair. Nothing is changed.
func (s *Set) Judge(pair Pair, differences []Difference) *Ruling {
	r := &Ruling{rules: s.rules, pair: pair, by: make([]int, len(differences))}
	git, live := jq.Input{Object: pair.Desired}, jq.Input{Object: pair.Live}
	for i, rule := range s.rules {
		hit := Hit{Rule: rule.Name}
		f := &found{desired: rule.spots(&git, &hit), live: rule.spots(&live, &hit)}
		addAll(&f.desiredCut, f.desired)
		addAll(&f.liveCut, f.live)
		hit.Places = max(len(f.desired), len(f.live))
		r.found, r.Hits = append(r.found, f), append(r.Hits, hit)
		if rule.when == nil {
			addAll(&r.desired, f.desired)
			addAll(&r.live, f.live)
			r.Hits[i].Whole = whole(pair.Desired, f.desired)
		}
	}
	for i := range differences {
		r.by[i] = r.judge(&differences[i])
	}
	return r
}

func (r *compiled) spots(in *jq.Input, hit *Hit) []spot {
	var out []spot
	for _, place := range r.places {
		all, err := place.find(in)
		if err != nil && hit.Message == "" {
			hit.Message = err.Error()
		}
		out = append(out, all...)
	}
	return out
}

func addAll(to *cut, spots []spot) {
	for _, s := range spots {
		to.add(s)
	}
}

// whole reports that nothing but its identity is left of an object.
func whole(root map[string]any, spots []spot) bool {
	if len(spots) == 0 || len(root) == 0 {
		return false
	}
	var all cut
	addAll(&all, spots)
	rest, _ := all.without(root).(map[string]any)
	left := maps.Clone(rest)
	had := maps.Clone(root)
	for _, name := range []string{"apiVersion", "kind", "metadata", "status"} {
		delete(left, name)
		delete(had, name)
	}
	for name, value := range left {
		if m, ok := value.(map[string]any); ok && len(m) == 0 {
			delete(left, name)
		}
	}
	return len(left) == 0 && len(had) > 0
}

// judge finds the first rule that touches a difference, and takes out what
// the rule covers of it.
func (r *Ruling) judge(d *Difference) int {
	at := spotsOf(d.Path, r.pair)
	// An index may stand for another item on the side that lacks this one.
	if d.Desired == nil {
		at.desired = nil
	}
	if d.Live == nil {
		at.live = nil
	}
	first := -1
	for i, rule := range r.rules {
		desired, live := touching(at.desired, &r.found[i].desiredCut), touching(at.live, &r.found[i].liveCut)
		written := rule.wrote(d)
		if !written && len(desired)+len(live) == 0 {
			continue
		}
		if rule.when != nil {
			met, err := r.holds(rule.when, d)
			if err != nil && r.Hits[i].Message == "" {
				r.Hits[i].Message = err.Error()
			}
			if !met {
				continue
			}
		}
		if written {
			r.Hits[i].Places++
			desired, live = at.desired, at.live
		}
		if written || rule.when != nil {
			addAll(&r.desired, desired)
			addAll(&r.live, live)
		}
		if first < 0 {
			first = i
		}
	}
	return first
}

// allConditions bounds the time that conditions take for one object; those
// that are left then are not met.
const allConditions = time.Second

func (r *Ruling) holds(c *condition, d *Difference) (bool, error) {
	if r.spent > allConditions {
		return false, fmt.Errorf("the conditions of all rules used up their %v", allConditions)
	}
	begun := time.Now()
	met, err := c.holds(d, r.object())
	r.spent += time.Since(begun)
	return met, err
}

// wrote reports whether one of the rule's managers owns the live value.
func (r *compiled) wrote(d *Difference) bool {
	for _, manager := range d.Managers {
		if slices.Contains(r.managers, manager) {
			return true
		}
	}
	return false
}

func touching(differences []spot, rule *cut) []spot {
	var out []spot
	for _, d := range differences {
		out = append(out, rule.touching(d)...)
	}
	return out
}

// spotsOf finds the place of a difference on both sides.
func spotsOf(path string, pair Pair) found {
	p, err := parsePattern(path)
	if err != nil {
		return found{}
	}
	p.literally()
	desired, _ := p.find(&jq.Input{Object: pair.Desired})
	live, _ := p.find(&jq.Input{Object: pair.Live})
	return found{desired: desired, live: live}
}

// literally takes an asterisk for the key that it is.
func (p pattern) literally() {
	for i := range p {
		if p[i].any {
			p[i] = hop{field: "*"}
		}
	}
}

// object is what conditions may look at beside the difference.
func (r *Ruling) object() map[string]any {
	if !r.pair.Private {
		return r.pair.Live
	}
	metadata, _ := r.pair.Live["metadata"].(map[string]any)
	return map[string]any{
		"apiVersion": r.pair.Live["apiVersion"], "kind": r.pair.Live["kind"], "type": r.pair.Live["type"],
		"metadata": map[string]any{"name": metadata["name"], "namespace": metadata["namespace"], "labels": metadata["labels"]},
	}
}

// Touched reports that something is to be taken out.
func (r *Ruling) Touched() bool { return len(r.desired.below)+len(r.live.below) > 0 }

// Rest is the pair without what the rules take out.
func (r *Ruling) Rest() Pair {
	desired, _ := r.desired.without(r.pair.Desired).(map[string]any)
	live, _ := r.live.without(r.pair.Live).(map[string]any)
	return Pair{Desired: desired, Live: live, Private: r.pair.Private}
}

// Explain credits a difference that is gone from the rest, by its place in
// the list that was judged, and names the rule. One that no rule touches
// itself, such as an item that moved up in a list, is the first rule's.
func (r *Ruling) Explain(i int) string {
	by := r.by[i]
	if by < 0 {
		for n, f := range r.found {
			if len(f.desired)+len(f.live) > 0 {
				by = n
				break
			}
		}
	}
	if by < 0 {
		by = 0
	}
	r.Hits[by].Fields++
	return r.rules[by].Name
}
