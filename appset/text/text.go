package text

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Language renders texts in the language of one set. It is not safe for use
// by several goroutines.
type Language struct {
	goTemplate bool
	options    []string
}

// New gives the language that a set asks for. Options that Go templates do not
// know are an error of kind Invalid.
func New(goTemplate bool, options []string) (*Language, error) {
	l := &Language{goTemplate: goTemplate, options: options}
	if !goTemplate {
		return l, nil
	}
	_, err := goText("", nil, options)
	return l, err
}

// Go tells whether it is Go templates.
func (l *Language) Go() bool { return l.goTemplate }

// Render fills one text with parameters.
func (l *Language) Render(s string, params map[string]any) (string, error) {
	if !strings.Contains(s, "{{") {
		return s, nil
	}
	if l.goTemplate {
		return goText(s, params, l.options)
	}
	return fastText(s, params)
}

// Tree renders every text of decoded JSON, keys of maps included, into a new
// tree. Errors name the place as .spec.sources[0].path, and are all reported.
func (l *Language) Tree(node any, params map[string]any, at string) (any, error) {
	switch v := node.(type) {
	case string:
		text, err := l.Render(v, params)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		return text, nil
	case []any:
		out := make([]any, len(v))
		var failures []error
		for i := range v {
			var err error
			out[i], err = l.Tree(v[i], params, fmt.Sprintf("%s[%d]", at, i))
			failures = append(failures, err)
		}
		return out, errors.Join(failures...)
	case map[string]any:
		out := make(map[string]any, len(v))
		var failures []error
		for _, key := range slices.Sorted(maps.Keys(v)) {
			name, err := l.Render(key, params)
			failures = append(failures, err)
			out[name], err = l.Tree(v[key], params, at+"."+key)
			failures = append(failures, err)
		}
		return out, errors.Join(failures...)
	}
	return node, nil
}
