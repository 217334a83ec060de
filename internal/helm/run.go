package helm

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
)

// Bounds of one rendering. What a hostile chart can still take is their sum.
type Bounds struct {
	Bytes int64 // made by functions, all together; at most 512 MiB
	Value int   // made by one call, or written by one template
	Steps int
	Nest  int // templates within templates
}

// DefaultBounds are far above what charts need that people use.
func DefaultBounds() Bounds {
	return Bounds{Bytes: maxBytes, Value: 32 << 20, Steps: 2_000_000, Nest: 1000}
}

// UntrustedBounds are for charts that anybody could have written, or given
// values to.
func UntrustedBounds() Bounds {
	return Bounds{Bytes: 64 << 20, Value: 8 << 20, Steps: 500_000, Nest: 100}
}

const (
	maxBytes = 512 << 20 // more is never told apart

	stepsPerLook = 64
	large        = 64 << 10 // what takes a while to make
)

// run is one rendering. A fault that ends it is remembered, because a
// template's error reads as if the template itself were wrong.
type run struct {
	ctx   context.Context
	max   Bounds
	bytes int64
	steps int
	nest  int
	out   *output
	marks []mark
	ended error
	live  render.Live // nil finds nothing
	// capable tells that templates see the destination's own capabilities, and
	// late that one which does not asks for them after all.
	capable, late bool
}

// mark tells that what follows in the output was written by a line.
type mark struct {
	offset, line int
	text         bool // the lines that follow are the template's own
}

// output is a template's text as it grows.
type output struct {
	strings.Builder
	run *run
}

func (o *output) Write(p []byte) (int, error) {
	if err := o.run.charge(int64(len(p))); err != nil {
		return 0, err
	}
	if o.Len()+len(p) > o.run.max.Value {
		return 0, o.run.end("it writes more than %d MiB", o.run.max.Value>>20)
	}
	return o.Builder.Write(p)
}

func (r *run) end(format string, args ...any) error {
	if r.ended == nil {
		r.ended = fault.New(fault.Invalid, format, args...)
	}
	return r.ended
}

// step counts turns, and stops when nobody waits any more.
func (r *run) step() error {
	if r.ended != nil {
		return r.ended
	}
	if r.steps++; r.steps > r.max.Steps {
		return r.end("its templates take more than %d steps", r.max.Steps)
	}
	if r.steps%stepsPerLook == 0 {
		return r.alive()
	}
	return nil
}

// alive fails when nobody waits for the rendering any more.
func (r *run) alive() error {
	if err := r.ctx.Err(); err != nil && r.ended == nil {
		r.ended = fmt.Errorf("stopped: %w", err)
	}
	return r.ended
}

// charge counts bytes that were made.
func (r *run) charge(n int64) error {
	if r.bytes += n; r.bytes > r.max.Bytes {
		return r.end("its templates make more than %d MiB of data", r.max.Bytes>>20)
	}
	return r.step()
}

// fits refuses what one call would make, before it does.
func (r *run) fits(name string, n int64) error {
	if n > int64(r.max.Value) || n < 0 {
		return r.end("the function %s would make more than %d MiB", name, r.max.Value>>20)
	}
	if n > large {
		return r.alive()
	}
	return nil
}

func (r *run) enter() error {
	if r.nest++; r.nest > r.max.Nest {
		return r.end("its templates include each other more than %d deep", r.max.Nest)
	}
	return r.step()
}

func (r *run) mark(line int, text bool) {
	if r.nest == 0 && line > 0 {
		r.marks = append(r.marks, mark{r.out.Len(), line, text})
	}
}

// written is what a template wrote.
type written struct {
	unit  unit
	text  string
	marks []mark
}

// execute runs the program's templates. set is a clone with the functions of
// this rendering.
func (r *run) execute(set *template.Template, p *program, byName map[string]unit) ([]written, error) {
	out := make([]written, 0, len(p.runs))
	for _, name := range p.runs {
		u := byName[name]
		u.values["Template"] = map[string]any{"Name": name, "BasePath": u.basePath}
		r.out, r.marks, r.nest = &output{run: r}, nil, 0
		err := set.ExecuteTemplate(r.out, name, u.values)
		if r.ended != nil {
			return nil, fmt.Errorf("%s: %w", name, r.ended)
		}
		if err != nil {
			return nil, explain(name, err)
		}
		text := strings.ReplaceAll(r.out.String(), "<no value>", "")
		out = append(out, written{u, text, r.marks})
	}
	return out, nil
}

// Helm's fail and required say what the user should read: the template's own
// error around it is noise.
type saidError struct{ text string }

func (e *saidError) Error() string { return e.text }

// explain words a template's error as Helm does.
func explain(name string, err error) error {
	rest := strings.TrimPrefix(err.Error(), "template: ")
	where, what, ok := strings.Cut(rest, ": ")
	if !ok {
		return fault.Wrap(fault.Invalid, fmt.Errorf("execution error in (%s): %w", name, err))
	}
	var said *saidError
	if errors.As(err, &said) {
		return fault.New(fault.Invalid, "execution error at (%s): %s", where, said.text)
	}
	return fault.New(fault.Invalid, "execution error at (%s): %s", where, what)
}

// special are the functions that need the rendering they are part of.
func (r *run) special(set *template.Template, funcs template.FuncMap) template.FuncMap {
	return template.FuncMap{
		"include": r.include(set),
		"tpl":     r.tpl(set, funcs),
		"lookup":  r.lookup,
		fnMark:    func(line int) string { r.mark(line, true); return "" },
		fnTick:    func() (string, error) { return "", r.step() },
		fnLeave:   func() string { r.nest--; return "" },
		fnEnter: func(line int) (string, error) {
			r.mark(line, false)
			return "", r.enter()
		},
		fnKeep: func(v reflect.Value) (reflect.Value, error) { return v, r.charge(shallow(v)) },
		fnOut: func(line int, v reflect.Value) (reflect.Value, error) {
			r.mark(line, false)
			if !v.IsValid() {
				return reflect.ValueOf(""), r.step()
			}
			switch v.Kind() {
			case reflect.Map, reflect.Slice, reflect.Array, reflect.Struct, reflect.Pointer, reflect.Interface:
				return v, r.fits("print", sizeOf(v))
			default:
				return v, r.step()
			}
		},
	}
}

func (r *run) include(set *template.Template) func(string, any) (string, error) {
	return func(name string, data any) (string, error) {
		if err := r.enter(); err != nil {
			return "", err
		}
		out := &output{run: r}
		err := set.ExecuteTemplate(out, name, data)
		r.nest--
		return out.String(), err
	}
}

// lookup reads objects of the destination. Its failure ends the rendering with
// its own kind: no template may go on with less than it asked for.
func (r *run) lookup(apiVersion, kind, namespace, name string) (map[string]any, error) {
	if r.live == nil {
		return map[string]any{}, r.step()
	}
	q := render.Query{APIVersion: apiVersion, Kind: kind, Namespace: namespace, Name: name}
	found, err := r.live.Lookup(r.ctx, q)
	if err != nil {
		if r.ended == nil {
			r.ended = fmt.Errorf("look up %s: %w", q, err)
		}
		return nil, r.ended
	}
	size := sizeOf(reflect.ValueOf(found))
	return found, errors.Join(r.fits("lookup", size), r.charge(size))
}

// tpl runs a text as a template. Most values that pass through it hold no
// action, and most others define no template: those need no clone of all.
func (r *run) tpl(set *template.Template, funcs template.FuncMap) func(string, any) (string, error) {
	return func(text string, data any) (string, error) {
		if !strings.Contains(text, leftDelim) {
			return strings.ReplaceAll(text, "<no value>", ""), r.step()
		}
		if strings.Contains(text, "Capabilities") && !r.capable {
			r.late = true
		}
		if err := errors.Join(r.fits("tpl", costOfParsing*int64(len(text))), r.charge(int64(len(text))), r.enter()); err != nil {
			return "", err
		}
		defer func() { r.nest-- }()
		trees, err := parseTemplate(set.Name(), text, funcs)
		if err != nil {
			return "", fmt.Errorf("cannot parse template %q: %w", short(text), err)
		}
		t, err := r.prepare(set, trees, funcs)
		if err != nil {
			return "", err
		}
		out := &output{run: r}
		if err := t.Execute(out, data); err != nil {
			return "", fmt.Errorf("error during tpl function execution for %q: %w", short(text), err)
		}
		return strings.ReplaceAll(out.String(), "<no value>", ""), nil
	}
}

func (r *run) prepare(set *template.Template, trees map[string]*parse.Tree, funcs template.FuncMap) (*template.Template, error) {
	for _, tree := range trees {
		instrument(tree, "", false)
	}
	if len(trees) == 1 {
		t := set.New(set.Name()) // shares what is defined, and adds nothing to it
		t.Tree = trees[set.Name()]
		if t.Tree != nil {
			return t, nil
		}
	}
	clone, err := set.Clone()
	if err != nil {
		return nil, err
	}
	clone.Option("missingkey=zero").Funcs(r.special(clone, funcs))
	t := clone.New(set.Name())
	for name, tree := range trees {
		added, err := clone.AddParseTree(name, tree)
		if err != nil {
			return nil, err
		}
		if name == set.Name() {
			t = added
		}
	}
	return t, nil
}

func short(text string) string {
	const enough = 200
	if len(text) > enough {
		return text[:enough] + "..."
	}
	return text
}
