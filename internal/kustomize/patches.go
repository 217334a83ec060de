package kustomize

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	k8slabels "k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// checkPatches tells what is wrong with the patches and targets of a
// kustomization. Kustomize would tell it too, without the file and the field.
func (l *layout) checkPatches(k *kustomization) {
	for i, p := range k.Patches {
		at := fmt.Sprintf("patches[%d]", i)
		l.checkTarget(k, at+".target", p.Target)
		switch {
		case p.Patch == "" && p.Path == "":
			l.fail(k, "%s has neither a patch nor a path", at)
		case p.Patch != "" && p.Path != "":
			l.fail(k, "%s has both a patch and a path; want one of them", at)
		case p.Patch != "":
			l.checkPatch(k, at+".patch", []byte(p.Patch), p.Target)
		default:
			to, err := l.within(k.dir, p.Path)
			if err != nil {
				continue // checkFiles tells
			}
			if data, err := l.files.content(to); err == nil {
				l.checkPatch(k, at+".path: "+shown(p.Path), data, p.Target)
			}
		}
	}
	for i, r := range k.Replacements {
		for j, t := range r.Targets {
			if t == nil {
				continue
			}
			at := fmt.Sprintf("replacements[%d].targets[%d]", i, j)
			l.checkTarget(k, at+".select", t.Select)
			for n, reject := range t.Reject {
				l.checkTarget(k, fmt.Sprintf("%s.reject[%d]", at, n), reject)
			}
		}
	}
}

// checkTarget looks at the patterns and selectors by which objects are picked.
func (l *layout) checkTarget(k *kustomization, at string, s *types.Selector) {
	if s == nil {
		return
	}
	for _, pattern := range []struct{ field, text string }{
		{"group", s.Group}, {"version", s.Version}, {"kind", s.Kind}, {"name", s.Name}, {"namespace", s.Namespace},
	} {
		if _, err := regexp.Compile(pattern.text); err != nil {
			cause := err
			if wrong := new(syntax.Error); errors.As(err, &wrong) {
				cause = errors.New(wrong.Code.String())
			}
			l.fail(k, "%s.%s: %q is no regular expression: %w", at, pattern.field, short(pattern.text), cause)
		}
	}
	for _, selector := range []struct{ field, text string }{{"labelSelector", s.LabelSelector}, {"annotationSelector", s.AnnotationSelector}} {
		if _, err := k8slabels.Parse(selector.text); err != nil {
			l.fail(k, "%s.%s: %q is no selector: %w", at, selector.field, short(selector.text), err)
		}
	}
}

// checkPatch looks at the form of a patch: an object, or a list of operations.
func (l *layout) checkPatch(k *kustomization, at string, text []byte, target *types.Selector) {
	if bounded(text, nodes(text)) != nil {
		return // checkText tells
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil && !json.Valid(text) { // which may be indented by tabs
		l.fail(k, "%s is not YAML: %s", at, withoutValues(err))
		return
	}
	if len(root.Content) == 0 {
		return
	}
	switch top := root.Content[0]; {
	case top.Kind == yaml.ScalarNode && top.Tag != "!!null":
		l.fail(k, "%s is neither an object nor a list of operations", at)
	case top.Kind == yaml.SequenceNode && target == nil && operation(top):
		l.fail(k, "%s is a list of operations, which needs a target: it does not name what it changes", at)
	}
}

// operation reports a list of which the first entry is one of JSON patches.
func operation(list *yaml.Node) bool {
	if len(list.Content) == 0 || list.Content[0].Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(list.Content[0].Content); i += 2 {
		if list.Content[0].Content[i].Value == "op" {
			return true
		}
	}
	return false
}

// short is the beginning of a text that somebody wrote.
func short(text string) string {
	const most = 80
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}
