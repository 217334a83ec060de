package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/text"
)

// originOf is where an application comes from, for programs.
type originOf struct {
	Set         string        `json:"applicationSet"`
	Application string        `json:"application"`
	Origin      setOrigin     `json:"origin"`
	Fields      []originField `json:"fields"`
}

type setOrigin struct {
	// Generator is its path in the set's spec, At its file and line.
	Generator  string         `json:"generator"`
	At         string         `json:"at"`
	Note       string         `json:"note,omitempty"`
	Parameters map[string]any `json:"parameters,omitempty"`
	Parts      []setOrigin    `json:"parts,omitempty"`
}

type originField struct {
	Path     string   `json:"path"`
	Value    string   `json:"value"`
	From     string   `json:"from"`
	At       string   `json:"at"`
	Template string   `json:"template,omitempty"`
	Uses     []string `json:"uses,omitempty"`
	Note     string   `json:"note,omitempty"`
}

func (f setFile) origins(set int, result appset.Result) []originOf {
	out := make([]originOf, 0, len(result.Explained))
	for _, e := range result.Explained {
		of := originOf{Set: f.docs.ApplicationSets[set].Name, Application: e.Application, Origin: f.origin(set, e.Origin), Fields: []originField{}}
		for _, field := range e.Fields {
			of.Fields = append(of.Fields, originField{
				Path: field.Path, Value: field.Value, From: field.From, At: f.at(set, field.From), Template: field.Template, Uses: field.Uses, Note: field.Note,
			})
		}
		out = append(out, of)
	}
	return out
}

func (f setFile) origin(set int, o appset.Origin) setOrigin {
	out := setOrigin{Generator: o.Generator, At: f.at(set, "spec."+o.Generator), Note: o.Note}
	// Generators use types of their own for texts and numbers.
	out.Parameters, _ = jsonTree(o.Parameters).(map[string]any)
	for _, part := range o.Parts {
		out.Parts = append(out.Parts, f.origin(set, part))
	}
	return out
}

// printOrigins tells for each application which generators, with which
// parameters, made it, and for each of its fields which template.
func printOrigins(s streams, output string, sets setFile, expanded []appset.Result) error {
	all := []originOf{}
	for i, result := range expanded {
		all = append(all, sets.origins(i, result)...)
	}
	if done, err := printData(s.out, output, map[string]any{"applications": all}); done {
		return err
	}
	var b strings.Builder
	p := originPrinter{palette(s.color), &b}
	for i, of := range all {
		if i > 0 {
			b.WriteByte('\n')
		}
		p.application(of, len(expanded) > 1)
	}
	_, err := io.WriteString(s.out, b.String())
	return err
}

type originPrinter struct {
	palette
	*strings.Builder
}

func (p originPrinter) application(of originOf, several bool) {
	title := p.bold(of.Application)
	if several {
		title += p.dim(" of ApplicationSet " + of.Set)
	}
	fmt.Fprintln(p, title)
	used := map[string]bool{}
	for _, f := range of.Fields {
		for _, name := range f.Uses {
			used[name] = true
		}
	}
	p.origin(of.Origin, "  ", used)
	width := 0
	for _, f := range of.Fields {
		width = max(width, len([]rune(f.Path)))
	}
	for _, f := range of.Fields {
		p.field(f, width)
	}
}

// field has a line for what came out, and one for its template; what is no
// template is one line.
func (p originPrinter) field(f originField, width int) {
	if strings.HasPrefix(f.From, "spec.generators") {
		f.At += " (the generator's own template)"
	}
	switch {
	case f.Template == "" && f.Note == "":
		fmt.Fprintf(p, "  %s  %s  %s\n", pad(f.Path, width), plainText(f.Value), p.dim(f.At))
		return
	case f.Template == "":
		fmt.Fprintf(p, "  %s  %s\n  %s  %s\n", pad(f.Path, width), plainText(f.Value), strings.Repeat(" ", width), p.dim(f.Note))
		return
	}
	fmt.Fprintf(p, "  %s  %s\n", pad(f.Path, width), p.green(plainText(f.Value)))
	template := plainText(f.Template)
	if strings.Contains(f.Template, "\n") {
		template = fmt.Sprintf("a template of %d lines", strings.Count(strings.TrimRight(f.Template, "\n"), "\n")+1)
	}
	fmt.Fprintf(p, "  %s  %s\n", strings.Repeat(" ", width), p.dim(f.At+"  "+template))
}

// origin tells of one generator, and of those that it put together.
func (p originPrinter) origin(o setOrigin, indent string, used map[string]bool) {
	line := indent + p.yellow(o.Generator)
	if o.Note != "" {
		line += "  " + o.Note
	}
	fmt.Fprintln(p, line+"  "+p.dim(o.At))
	if len(o.Parts) > 0 {
		// What the parts gave is what the whole has.
		for _, part := range o.Parts {
			p.origin(part, indent+"  ", used)
		}
		return
	}
	p.parameters(o.Parameters, indent+"    ", used)
}

// parameters are listed by the names that templates use for them. Those that
// no field uses are dim.
func (p originPrinter) parameters(set map[string]any, indent string, used map[string]bool) {
	rows := map[string]string{}
	leaves(rows, "", set)
	width := 0
	for name := range rows {
		width = max(width, len([]rune(name)))
	}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		text := pad(name, width) + "  " + rows[name]
		if !covered(name, used) {
			text = p.dim(text)
		}
		fmt.Fprintln(p, indent+text)
	}
}

// covered reports a parameter that a template names, or that is in one.
func covered(name string, used map[string]bool) bool {
	if used[name] || used[text.All] {
		return true
	}
	for u := range used {
		if strings.HasPrefix(name, u+".") || strings.HasPrefix(name, u+"[") {
			return true
		}
	}
	return false
}

// leaves gives what is in a parameter set its names and texts.
func leaves(into map[string]string, name string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			leaves(into, strings.TrimPrefix(name+"."+key, "."), inner)
		}
		if len(v) == 0 && name != "" {
			into[name] = "{}"
		}
	case []any:
		for i, inner := range v {
			leaves(into, name+"["+strconv.Itoa(i)+"]", inner)
		}
		if len(v) == 0 {
			into[name] = "[]"
		}
	default:
		into[name] = cmp.Or(valueText(value), `""`)
	}
}

// plainText is a text on one line, as it is where that is possible.
func plainText(text string) string {
	if text == "" || strings.TrimSpace(text) != text || strings.ContainsAny(text, "\n\t") || len(text) > 160 {
		return valueText(text)
	}
	return text
}
