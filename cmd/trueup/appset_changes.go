package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/lifecycle"
	"github.com/trueup-dev/trueup/internal/object"
)

// setChanges is what a set would do, for programs.
type setChanges struct {
	Set       string                 `json:"applicationSet"`
	Changes   []setChange            `json:"changes"`
	Held      *v1alpha1.HeldDeletion `json:"held,omitempty"`
	Unchanged int                    `json:"unchanged"`

	warnings []string // of the generators
}

// What happens to an application. A held one stays until somebody confirms;
// one that is kept stays though the set would change it; one that is rejected
// cannot be as the set wants it.
const (
	actionCreate = "create"
	actionUpdate = "update"
	actionDelete = "delete"
	actionHold   = "hold"
	actionKeep   = "keep"
	actionReject = "reject"
)

type setChange struct {
	Action      string `json:"action"`
	Application string `json:"application"`
	// Origin is the generator, and what it looked at.
	Origin string `json:"origin,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Fields are what an update changes.
	Fields []fieldChange `json:"fields,omitempty"`
}

// fieldChange is one difference; nil is a field that is not there.
type fieldChange struct {
	Path string `json:"path"`
	From any    `json:"from"`
	To   any    `json:"to"`
}

func changesOf(set *v1alpha1.ApplicationSet, in lifecycle.Input, p lifecycle.Plan) setChanges {
	out := setChanges{Set: set.Name, Changes: []setChange{}, Held: p.Held}
	origins := map[string]string{}
	for _, e := range in.Result.Explained {
		origins[e.Application] = originLine(e.Origin)
	}
	add := func(action, name, reason string, fields []fieldChange) {
		out.Changes = append(out.Changes, setChange{Action: action, Application: name, Origin: origins[name], Reason: reason, Fields: fields})
	}
	for _, app := range p.Create {
		add(actionCreate, app.Name, "", nil)
	}
	for _, u := range p.Update {
		add(actionUpdate, u.To.Name, "", fieldChanges(&u.From, &u.To))
	}
	for _, app := range p.Delete {
		add(actionDelete, app.Name, fate(&app), nil)
	}
	for _, k := range p.Kept {
		action, reason := actionKeep, "it would be "+past(k.Action)+": "+k.Reason
		if p.Held != nil && k.Action == "delete" && k.Reason == p.Held.Reason {
			action, reason = actionHold, ""
		}
		add(action, k.Name, reason, nil)
	}
	for _, r := range p.Rejected {
		add(actionReject, cmp.Or(r.Name, "(without a name)"), r.Err.Error(), nil)
	}
	slices.SortStableFunc(out.Changes, func(a, b setChange) int { return cmp.Compare(a.Application, b.Application) })
	touched := map[string]bool{}
	for _, c := range out.Changes {
		touched[c.Application] = true
	}
	for _, app := range in.Owned {
		if !touched[app.Name] {
			out.Unchanged++
		}
	}
	return out
}

func past(action string) string { return strings.TrimSuffix(action, "e") + "ed" }

// fate says what becomes of the objects of a deleted application.
func fate(app *v1alpha1.Application) string {
	for _, f := range app.Finalizers {
		if strings.HasPrefix(f, appset.Finalizer) || strings.HasPrefix(f, "trueup.dev/resources") {
			return "its objects are deleted with it"
		}
	}
	return "its objects stay"
}

// originLine is an origin on one line.
func originLine(o appset.Origin) string {
	if len(o.Parts) > 0 {
		var parts []string
		for _, part := range o.Parts {
			if text := originLine(part); text != "" {
				parts = append(parts, text)
			}
		}
		return strings.Join(parts, " × ")
	}
	if o.Note == "" {
		return o.Generator
	}
	return o.Generator + " (" + o.Note + ")"
}

// fieldChanges compares what a set decides about in two applications.
func fieldChanges(from, to *v1alpha1.Application) []fieldChange {
	var out []fieldChange
	compareTrees(object.Path{}, decided(from), decided(to), &out)
	return out
}

func decided(app *v1alpha1.Application) any {
	return jsonTree(map[string]any{
		"metadata": map[string]any{"labels": app.Labels, "annotations": app.Annotations, "finalizers": app.Finalizers}, "spec": app.Spec,
	})
}

// jsonTree is what a value says as JSON, with all the digits of its numbers.
func jsonTree(value any) any {
	data, err := json.Marshal(value)
	if err != nil {
		return nil // what was read as JSON can be written
	}
	var out any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		return nil
	}
	return out
}

// compareTrees names the deepest fields that differ. Lists of different
// lengths differ as a whole beyond what they have in common.
func compareTrees(at object.Path, from, to any, out *[]fieldChange) {
	if reflect.DeepEqual(from, to) {
		return
	}
	a, okA := from.(map[string]any)
	b, okB := to.(map[string]any)
	if okA && okB || okA && to == nil && len(at) < 2 || okB && from == nil && len(at) < 2 {
		keys := map[string]bool{}
		for key := range a {
			keys[key] = true
		}
		for key := range b {
			keys[key] = true
		}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			compareTrees(at.Child(key), a[key], b[key], out)
		}
		return
	}
	c, okC := from.([]any)
	d, okD := to.([]any)
	if okC && okD {
		for i := range max(len(c), len(d)) {
			compareTrees(at.At(i), item(c, i), item(d, i), out)
		}
		return
	}
	*out = append(*out, fieldChange{at.String(), from, to})
}

func item(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

func printSetChanges(s streams, output string, all []setChanges) error {
	done, err := printData(s.out, output, map[string]any{"applicationSets": all})
	switch {
	case done:
	case output == "name":
		err = printChangedNames(s.out, all)
	default:
		err = printChanges(s.out, all, palette(s.color))
	}
	if err != nil {
		return err
	}
	code := exitOK
	for _, set := range all {
		for _, c := range set.Changes {
			switch c.Action {
			case actionReject:
				code = exitIncomplete
			case actionKeep:
			default:
				code = max(code, exitDrift)
			}
		}
	}
	if code != exitOK {
		return exitCode(code)
	}
	return nil
}

// printChangedNames prints what would be done to each application that does
// not stay as it is.
func printChangedNames(w io.Writer, all []setChanges) error {
	for _, set := range all {
		for _, c := range set.Changes {
			if _, err := fmt.Fprintln(w, c.Action, c.Application); err != nil {
				return err
			}
		}
	}
	return nil
}

func printChanges(w io.Writer, all []setChanges, p palette) error {
	var b strings.Builder
	for i, set := range all {
		if i > 0 {
			b.WriteByte('\n')
		}
		if len(all) > 1 {
			fmt.Fprintf(&b, "%s\n\n", p.bold("ApplicationSet "+set.Set))
		}
		counts := map[string]int{}
		for _, c := range set.Changes {
			counts[c.Action]++
		}
		plain := 0
		for _, c := range set.Changes {
			if len(c.Fields) == 0 {
				plain = max(plain, len([]rune(c.Application)))
			}
		}
		for _, same := range alike(set.Changes) {
			printAlike(&b, same, plain, p)
		}
		if n := len(set.Changes); n > 0 && len(set.Changes[n-1].Fields) == 0 {
			b.WriteByte('\n')
		}
		if set.Held != nil {
			fmt.Fprintf(&b, "%s %s\n  %s\n\n", p.yellow("held:"), set.Held.Reason,
				"the agent would wait for: trueup appset confirm "+set.Set)
		}
		total := fmt.Sprintf("%d to create · %d to update · %d to delete · %d unchanged", counts[actionCreate], counts[actionUpdate], counts[actionDelete], set.Unchanged)
		for _, more := range []struct{ action, word string }{{actionHold, "held"}, {actionKeep, "kept"}, {actionReject, "rejected"}} {
			if n := counts[more.action]; n > 0 {
				total += fmt.Sprintf(" · %d %s", n, more.word)
			}
		}
		fmt.Fprintln(&b, p.bold(total))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// alike puts updates that change the same fields together, in the place of the
// first: an edit of a template is one change, however many applications there
// are.
func alike(changes []setChange) [][]setChange {
	var out [][]setChange
	group := map[string]int{}
	for _, c := range changes {
		key, err := json.Marshal(c.Fields)
		if at, ok := group[string(key)]; ok && err == nil && len(c.Fields) > 0 {
			out[at] = append(out[at], c)
			continue
		}
		group[string(key)] = len(out)
		out = append(out, []setChange{c})
	}
	return out
}

// printAlike shows changes of the same fields; those without fields stand under
// each other in a column of a given width.
func printAlike(b *strings.Builder, same []setChange, width int, p palette) {
	fields := same[0].Fields
	if len(fields) > 0 && b.Len() > 0 && !strings.HasSuffix(b.String(), "\n\n") {
		b.WriteByte('\n')
	}
	if len(fields) > 0 {
		width = 0
		for _, c := range same {
			width = max(width, len([]rune(c.Application)))
		}
	}
	for _, c := range same {
		printChange(b, c, width, p)
	}
	for _, f := range fields {
		fmt.Fprintf(b, "    %s\n", f.Path)
		if f.From != nil {
			fmt.Fprintf(b, "      %s\n", p.red("- "+valueText(f.From)))
		}
		if f.To != nil {
			fmt.Fprintf(b, "      %s\n", p.green("+ "+valueText(f.To)))
		}
	}
	if len(fields) > 0 {
		b.WriteByte('\n')
	}
}

func printChange(b *strings.Builder, c setChange, width int, p palette) {
	symbol, say := "=", c.Reason
	switch c.Action {
	case actionCreate:
		symbol, say = p.green("+"), c.Origin
	case actionUpdate:
		symbol, say = p.yellow("~"), c.Origin
	case actionDelete:
		symbol = p.red("-")
	case actionHold:
		symbol, say = p.yellow("?"), "it would be deleted, and is held"
	case actionReject:
		symbol = p.red("!")
	}
	line := symbol + " " + p.bold(pad(c.Application, width))
	if say != "" {
		line += "  " + p.dim(say)
	}
	b.WriteString(line + "\n")
}
