package text

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"

	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/appset/place"
	"github.com/trueup-dev/trueup/internal/fault"
)

// Bounds of one text. What a set with honest intentions writes is far below.
const (
	maxText  = 1 << 20  // bytes of a text before and after
	maxSteps = 200_000  // calls and turns of loops
	maxBytes = 64 << 20 // bytes that its functions make
	maxArgs  = 4 << 20  // bytes that one function is given
	// maxTotal bounds the steps of all texts of one expansion.
	maxTotal = 100 * maxSteps
	// maxWritten bounds the bytes of all texts of one expansion.
	maxWritten = 256 << 20
)

var (
	errTooLong = fault.New(fault.Invalid, "a template's text grows beyond %d MiB", maxText>>20)
	errTooMany = fault.New(fault.Invalid, "the texts of the set grow beyond %d MiB", maxWritten>>20)
	errTooMuch = fault.New(fault.Invalid, "a template takes more than %d steps", maxSteps)
)

// Options say which language it is.
type Options struct {
	// Go selects Go templates.
	Go bool
	// Templates are options of Go's, as missingkey=error.
	Templates []string
	// YAML is what fromYaml and patches read.
	YAML param.Version
	// Stop is asked now and then whether to go on; nil always does.
	Stop func() error
}

// Language renders the texts of one set. It is not safe for use by several
// goroutines.
type Language struct {
	options  Options
	compiled map[string]*compiled
	meter    *meter
	funcs    map[string]any
	// strict is the same with an error for what is missing.
	strict *Language
}

// New prepares a language. Options that Go templates do not know are errors of
// kind Invalid, each with its place as [1]; what is returned beside them goes
// without, and is good for Check.
func New(o Options) (*Language, error) {
	l := &Language{options: o, compiled: map[string]*compiled{}, meter: &meter{stop: o.Stop}}
	if !o.Go {
		return l, nil
	}
	l.funcs = l.functions()
	var all place.Problems
	l.options.Templates = nil
	for i, option := range o.Templates {
		if err := known(option); err != nil {
			all.Add(Index("", i), err)
			continue
		}
		l.options.Templates = append(l.options.Templates, option)
	}
	return l, all.Err()
}

// known tries an option: the library panics where it does not know one.
func known(option string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fault.New(fault.Invalid, "unknown option %q; those of Go templates are missingkey=default, missingkey=zero, missingkey=error and missingkey=invalid", option)
		}
	}()
	template.New("").Option(option)
	return nil
}

// Check tells whether a text is a template, filled or not. Errors are of kind
// Invalid.
func (l *Language) Check(s string) error {
	switch {
	case !strings.Contains(s, "{{"):
		return nil
	case l.options.Go:
		_, err := l.compile(s)
		return err
	}
	_, err := fastText(s, nil, func(string) {})
	return err
}

// Go tells whether it is Go templates.
func (l *Language) Go() bool { return l.options.Go }

// YAML is what the set's YAML is read as.
func (l *Language) YAML() param.Version { return l.options.YAML }

// Render fills one text with parameters. Errors are of kind Invalid.
func (l *Language) Render(s string, params map[string]any) (string, error) {
	return l.render(s, params, func(string) {})
}

// Explain renders a text and adds the names of the parameters in it to uses.
func (l *Language) Explain(s string, params map[string]any, uses *[]string) (string, error) {
	return l.render(s, params, func(name string) {
		if !slices.Contains(*uses, name) {
			*uses = append(*uses, name)
		}
	})
}

func (l *Language) render(s string, params map[string]any, used func(name string)) (string, error) {
	switch {
	case !strings.Contains(s, "{{"):
		return s, nil
	case len(s) > maxText:
		return "", errTooLong
	case l.meter.written > maxWritten:
		return "", errTooMany
	}
	var out string
	var err error
	if l.options.Go {
		l.meter.reset()
		out, err = l.goText(s, params, used)
	} else {
		out, err = fastText(s, params, used)
	}
	l.meter.written += len(out)
	return out, err
}

// Strictly renders a text, and leaves it as it is where a parameter of it is
// missing.
func (l *Language) Strictly(s string, params map[string]any) (string, error) {
	if !l.options.Go {
		return l.Render(s, params)
	}
	if l.strict == nil {
		o := l.options
		o.Templates = append(slices.DeleteFunc(slices.Clone(o.Templates), func(option string) bool {
			return strings.HasPrefix(option, "missingkey=")
		}), "missingkey=error")
		var err error
		if l.strict, err = New(o); err != nil {
			return "", err
		}
	}
	out, err := l.strict.Render(s, params)
	if err != nil && (strings.Contains(err.Error(), "map has no entry for key") || strings.Contains(err.Error(), "can't evaluate field")) {
		return s, nil
	}
	return out, err
}

// Text is one text that was filled.
type Text struct {
	// Path is its place in what came out, From in the template: they differ
	// where keys are templates. The text of a key itself has (key) behind it.
	Path, From string
	// Template and Value are before and after; Uses are the parameters in it.
	// What is no template has a Value alone, numbers and truth values too.
	Template, Value string
	Uses            []string
	// Note says why it is there where no document says it.
	Note string
}

// Tree renders every text of decoded JSON, keys of maps included, into a new
// tree; keys of maps without a value are left out, as Argo CD does. All
// failures are reported, each with its place as spec.sources[0].path, and what
// failed is empty in the tree. Seen, if
// not nil, gets every text that is a template, and every other leaf.
func (l *Language) Tree(node any, params map[string]any, seen func(Text)) (any, error) {
	w := walker{l, params, seen}
	return w.node(node, "", "")
}

type walker struct {
	language *Language
	params   map[string]any
	seen     func(Text)
}

func (w walker) node(node any, path, from string) (any, error) {
	switch v := node.(type) {
	case string:
		return w.text(v, path, from)
	case []any:
		out := make([]any, len(v))
		var failures []error
		for i := range v {
			var err error
			out[i], err = w.node(v[i], Index(path, i), Index(from, i))
			failures = append(failures, err)
		}
		return out, errors.Join(failures...)
	case map[string]any:
		out := make(map[string]any, len(v))
		var failures []error
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if v[key] == nil {
				continue
			}
			name, err := w.key(key, path, Join(from, key)+KeySuffix)
			failures = append(failures, err)
			if err != nil {
				_, err = walker{w.language, w.params, nil}.node(v[key], path, Join(from, key))
				failures = append(failures, err)
				continue
			}
			out[name], err = w.node(v[key], Join(path, name), Join(from, key))
			failures = append(failures, err)
		}
		return out, errors.Join(failures...)
	}
	if w.seen != nil && node != nil {
		w.seen(Text{Path: path, From: from, Value: fmt.Sprint(node)})
	}
	return node, nil
}

func (w walker) text(s, path, from string) (string, error) {
	if w.seen != nil && !strings.Contains(s, "{{") {
		w.seen(Text{Path: path, From: from, Value: s})
	}
	return w.filled(s, from, func(string) string { return path })
}

// key renders a key, whose place is only known afterwards.
func (w walker) key(s, above, from string) (string, error) {
	return w.filled(s, from, func(value string) string { return Join(above, value) + KeySuffix })
}

func (w walker) filled(s, from string, path func(value string) string) (string, error) {
	if !strings.Contains(s, "{{") {
		return s, nil
	}
	var uses []string
	value, err := w.language.Explain(s, w.params, &uses)
	if err != nil {
		return "", &place.Error{Place: from, Err: err}
	}
	if w.seen != nil {
		w.seen(Text{Path: path(value), From: from, Template: s, Value: value, Uses: uses})
	}
	return value, nil
}

// KeySuffix marks the text of a key, against that of its value.
const KeySuffix = " (key)"

// Index is the i-th of a list.
func Index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// Join puts a key below a path. Keys with dots or slashes are put in brackets.
func Join(path, key string) string {
	switch {
	case strings.ContainsAny(key, "./[") && !strings.Contains(key, "{{"):
		return path + "[" + key + "]"
	case path == "":
		return key
	}
	return path + "." + key
}
