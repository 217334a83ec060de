package ignore

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Annotation on an object in Git lists paths and JSON pointers of it that may
// differ, with commas or line ends between.
const Annotation = "trueup.dev/ignore"

// AnnotationRule is the name of the rule that an annotation makes.
const AnnotationRule = "annotation"

// maxConfig bounds the text of a file or a ConfigMap's key.
const maxConfig = 1 << 20

// FromAnnotation reads the value of Annotation.
func FromAnnotation(text string) (*Set, []Problem) {
	if len(text) > maxEntries*maxText {
		return nil, []Problem{{Annotation, "is too long"}}
	}
	r := Rule{Name: AnnotationRule, At: Annotation, Group: "*", Kind: "*"}
	var paths, pointers []string
	for _, entry := range entries(text) {
		if strings.HasPrefix(entry, "/") {
			pointers = append(pointers, entry)
		} else {
			paths = append(paths, entry)
		}
	}
	r.Paths, r.JSONPointers = paths, pointers
	set, problems := Compile(r)
	for i := range problems {
		problems[i].At = Annotation
	}
	return set, problems
}

// entries cuts at commas and line ends outside of brackets and quotes.
func entries(text string) []string {
	var out []string
	depth, quoted, start := 0, false, 0
	add := func(end int) {
		if entry := strings.TrimSpace(text[start:end]); entry != "" {
			out = append(out, entry)
		}
		start = end + 1
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\n':
			add(i)
			depth, quoted = 0, false
		case quoted && c == '\\':
			i++
		case c == '"' && depth > 0:
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == ',' && depth <= 0:
			add(i)
		}
	}
	if start <= len(text) {
		add(len(text))
	}
	return out
}

// The keys of a ConfigMap that hold rules.
const (
	// configList is a list of rules, as in an Application's
	// spec.ignoreDifferences.
	configList = "ignoreDifferences"
	// configKind precedes a group and kind, or all: Argo CD's way.
	configKind = "resource.customizations.ignoreDifferences."
	// configOld is Argo CD's former way: a map of group/kind.
	configOld = "resource.customizations"
)

// FromConfig reads the rules of a ConfigMap: a list in ignoreDifferences, and
// Argo CD's keys resource.customizations.ignoreDifferences.<group_kind>. Their
// names begin with "global/"; source stands for the ConfigMap in problems.
func FromConfig(source string, data map[string]string) ([]Rule, []Problem) {
	var out []Rule
	var problems []Problem
	for _, key := range slices.Sorted(maps.Keys(data)) {
		text, at := data[key], source+" "+key
		if key != configList && key != configOld && !strings.HasPrefix(key, configKind) {
			continue
		}
		if len(text) > maxConfig {
			problems = append(problems, Problem{at, "is too long"})
			continue
		}
		var more []Rule
		var err error
		switch kind, argo := strings.CutPrefix(key, configKind); {
		case key == configList:
			more, err = list(text, at)
		case argo:
			more, err = customized(kind, text, at)
		default:
			more, err = former(text, at)
		}
		if err != nil {
			problems = append(problems, Problem{at, err.Error()})
		}
		out = append(out, more...)
	}
	return out, problems
}

// FromFile reads what FromConfig reads, from a file: a list of rules, a
// document with one under ignoreDifferences, or a ConfigMap.
func FromFile(name string, text []byte) ([]Rule, []Problem) {
	if len(text) > maxConfig {
		return nil, []Problem{{name, "is too long"}}
	}
	var config struct {
		Data              map[string]string `json:"data"`
		IgnoreDifferences []Rule            `json:"ignoreDifferences"`
	}
	if err := yaml.Unmarshal(text, &config); err == nil && config.Data != nil {
		return FromConfig(name, config.Data)
	}
	rules, err := list(string(text), name)
	if err == nil {
		return rules, nil
	}
	var document struct {
		IgnoreDifferences []Rule `json:"ignoreDifferences"`
	}
	if err := yaml.UnmarshalStrict(text, &document); err != nil {
		return nil, []Problem{{name, "holds no rules: " + err.Error()}}
	}
	return named(document.IgnoreDifferences, name), nil
}

func list(text, at string) ([]Rule, error) {
	var rules []Rule
	if err := yaml.UnmarshalStrict([]byte(text), &rules); err != nil {
		return nil, fmt.Errorf("holds no list of rules: %w", err)
	}
	return named(rules, at), nil
}

func named(rules []Rule, at string) []Rule {
	for i := range rules {
		rules[i].Name = fmt.Sprintf("global/ignoreDifferences[%d]", i)
		rules[i].At = fmt.Sprintf("%s [%d]", at, i)
	}
	return rules
}

// customized reads the rule of one group_kind.
func customized(kind, text, at string) ([]Rule, error) {
	r := Rule{}
	if err := yaml.UnmarshalStrict([]byte(text), &r); err != nil {
		return nil, fmt.Errorf("holds no rule: %w", err)
	}
	r.Group, r.Kind = "*", "*"
	if kind != "all" {
		group, name, found := strings.Cut(kind, "_")
		if !found {
			group, name = "", kind
		}
		r.Group, r.Kind = group, name
	}
	r.Name, r.At = "global/"+kind, at
	return []Rule{r}, nil
}

// former reads a map of group/kind, whose values hold rules as text.
func former(text, at string) ([]Rule, error) {
	var all map[string]struct {
		IgnoreDifferences string `json:"ignoreDifferences"`
	}
	if err := yaml.Unmarshal([]byte(text), &all); err != nil {
		return nil, fmt.Errorf("holds no map of kinds: %w", err)
	}
	var out []Rule
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		if all[kind].IgnoreDifferences == "" {
			continue
		}
		rules, err := customized(strings.Replace(kind, "/", "_", 1), all[kind].IgnoreDifferences, at+" "+kind)
		if err != nil {
			return out, fmt.Errorf("%s: %w", kind, err)
		}
		out = append(out, rules...)
	}
	return out, nil
}
