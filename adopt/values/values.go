package values

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/adopt/value"
	"github.com/trueup-dev/trueup/internal/object"
)

// Values are those of a chart, by where they are set, weakest first.
type Values struct {
	// All is what Helm makes of them, but for parameters.
	All    map[string]any
	layers []Layer
}

// Layer is one place that sets values.
type Layer struct {
	What string
	// Source is whose file it is; -1 is what is not in Git, or of the
	// Application itself, which has no Path either.
	Source int
	Path   string
	Data   map[string]any
}

// Trial is a value that may drive a field, and what it had to be.
type Trial struct {
	Path object.Path
	To   any
	// Drop says that the value had to go.
	Drop bool
	// Again is another value, and Then what the field would be by it; nil
	// where there is no such value.
	Again, Then any
}

// Add adds a place that is stronger than those before.
func (v *Values) Add(l Layer) {
	v.layers = append(v.layers, l)
	merge(v.All, l.Data)
}

// Set is Add for one value by its path.
func (v *Values) Set(l Layer, c value.Change) {
	own, err := value.With(nil, c)
	if err != nil {
		return
	}
	l.Data, _ = own.(map[string]any)
	v.layers = append(v.layers, l)
	if all, err := value.With(value.Normal(v.All), c); err == nil {
		v.All, _ = all.(map[string]any)
	}
}

func merge(into, from map[string]any) {
	for name, v := range from {
		a, isMap := into[name].(map[string]any)
		if b, both := v.(map[string]any); isMap && both {
			a = maps.Clone(a)
			merge(a, b)
			into[name] = a
			continue
		}
		into[name] = v
	}
}

// Candidates are the values that could make what Git says at a path, or at
// what holds it: those that are equal, and texts that are a part of it.
func (v *Values) Candidates(have map[string]any, w value.Change) []Trial {
	old, there, err := value.Get(have, w.Path)
	if err != nil {
		return nil
	}
	var out []Trial
	v.visit(func(at object.Path, leaf any) {
		if there {
			if t, ok := drives(at, leaf, old, w); ok {
				out = append(out, t)
			}
		}
	})
	// What holds the field: a map that a template prints as a whole.
	for up := w.Path[:len(w.Path)-1]; len(up) > 1; up = up[:len(up)-1] {
		around, _, err := value.Get(have, up)
		if err != nil {
			break
		}
		next, err := value.With(around, value.Change{Path: w.Path[len(up):], Value: w.Value, Remove: w.Remove})
		if err != nil {
			continue
		}
		v.visit(func(at object.Path, leaf any) {
			empty := nothing(leaf) && nothing(around)
			if kind(leaf) == kind(next) && (empty || !nothing(around) && reflect.DeepEqual(value.Normal(leaf), around)) {
				out = append(out, part(at, w, up, next))
			}
		})
		if !nothing(around) {
			break
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(out, func(t Trial) bool {
		id := t.Path.String()
		again := seen[id]
		seen[id] = true
		return again
	})
}

// part is the trial of a map or a list that a template prints as a whole: of
// the part of it that changes.
func part(at object.Path, w value.Change, up object.Path, next any) Trial {
	inner := w.Path[len(up):]
	if slices.ContainsFunc(inner, func(s object.Step) bool { return !value.IsField(s) }) {
		return Trial{Path: at, To: next}
	}
	return Trial{Path: append(at[:len(at):len(at)], inner...), To: w.Value, Drop: w.Remove}
}

func kind(v any) string {
	switch v.(type) {
	case map[string]any:
		return "map"
	case []any:
		return "list"
	}
	return "scalar"
}

func nothing(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// drives tells what a value had to be for the live one to come of it.
func drives(at object.Path, leaf, old any, w value.Change) (Trial, bool) {
	t := Trial{Path: at, To: w.Value, Drop: w.Remove}
	if reflect.DeepEqual(value.Normal(leaf), old) {
		switch n := w.Value.(type) {
		case int64:
			t.Again, t.Then = n+1, n+1
		case string:
			t.Again, t.Then = n+"0", n+"0"
		}
		return t, true
	}
	now, isText := w.Value.(string)
	was, wasText := old.(string)
	if kind(leaf) != "scalar" || leaf == nil || w.Remove {
		return t, false
	}
	part := fmt.Sprint(leaf)
	if !wasText || !isText || part == "" {
		return t, part == fmt.Sprint(old) && !wasText // "2" for 2
	}
	i := strings.Index(was, part)
	if i < 0 || strings.Count(was, part) > 1 {
		return t, false
	}
	before, after := was[:i], was[i+len(part):]
	if !strings.HasPrefix(now, before) || !strings.HasSuffix(now, after) || len(now) <= len(before)+len(after) {
		return t, false
	}
	middle := now[len(before) : len(now)-len(after)]
	t.To, t.Again, t.Then = middle, middle+"0", before+middle+"0"+after
	return t, true
}

// visit calls back for every value, maps and lists included.
func (v *Values) visit(found func(at object.Path, leaf any)) {
	var walk func(at object.Path, v any)
	walk = func(at object.Path, v any) {
		if len(at) > 0 {
			found(at, v)
		}
		switch v := v.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				walk(at.Child(name), v[name])
			}
		case []any:
			for i := range v {
				walk(at.At(i), v[i])
			}
		}
	}
	walk(nil, v.All)
}

// firstIndex is the place of the first step into a list; -1 is none.
func firstIndex(path object.Path) int {
	return slices.IndexFunc(path, func(s object.Step) bool { return !value.IsField(s) })
}

// lists counts the places that set a list of which the path names an item.
func (v *Values) lists(path object.Path) int {
	i := firstIndex(path)
	if i < 0 {
		return 0
	}
	n := 0
	for _, l := range v.layers {
		if Sets(l.Data, path[:i]) {
			n++
		}
	}
	return n
}

// Files are the value files in Git, weakest first.
func (v *Values) Files() []Layer {
	var out []Layer
	for _, l := range v.layers {
		if l.Source >= 0 && l.Path != "" {
			out = append(out, l)
		}
	}
	return out
}

// Sets reports values that hold something at a path.
func Sets(m map[string]any, path object.Path) bool {
	_, there, err := value.Get(value.Normal(m), path)
	return err == nil && there
}

// Setting is the strongest place that sets a value; false is none.
func (v *Values) Setting(path object.Path) (Layer, bool) {
	for _, l := range slices.Backward(v.layers) {
		if Sets(l.Data, path) {
			return l, true
		}
	}
	return Layer{}, false
}

// Inline reports a place in the Application itself.
func (l Layer) Inline() bool { return l.Source < 0 && l.Path == "" }

// Places are the files to write a value to, the best first: the one that sets
// it now, unless that is the chart's own file and the application has others,
// then the strongest.
func (v *Values) Places(path object.Path) []Layer {
	files := v.Files()
	var out []Layer
	if l, ok := v.Setting(path); ok && !l.Inline() && l.Source >= 0 && v.lists(path) < 2 && (len(files) == 1 || l.Path != files[0].Path) {
		out = append(out, l)
	}
	for _, l := range slices.Backward(files) {
		out = append(out, l)
	}
	return out
}

// Change is the one to make in a place. False is that it holds nothing yet,
// and Value takes the place of all. A list that it does not have cannot be
// written in part.
func (l Layer) Change(t Trial) (c value.Change, part bool, err error) {
	if len(l.Data) == 0 {
		return value.Change{Value: value.Nested(t.Path, t.To)}, false, nil
	}
	if i := firstIndex(t.Path); i >= 0 && !Sets(l.Data, t.Path) {
		return c, true, fmt.Errorf("it has no list %s, which would have to be written as a whole", t.Path[:i])
	}
	return value.Change{Path: t.Path, Value: t.To, Remove: t.Drop && Sets(l.Data, t.Path)}, true, nil
}
