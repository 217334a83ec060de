package helm

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/trueup-dev/trueup/internal/fault"
)

// unit is a template of a chart, and what it sees.
type unit struct {
	name     string // as Helm names it: web/charts/sub/templates/a.yaml
	file     *chart.File
	chart    *chart.Chart
	values   map[string]any
	basePath string
}

// program is a set of parsed templates. It is shared: running it clones it.
type program struct {
	set *template.Template
	// runs lists the templates whose output counts.
	runs []string
}

// Bounds of one template. Parsing recurses where actions nest, and a stack
// that overflows ends the process.
const (
	maxActions = 50_000
	leftDelim  = "{{"
)

// order sorts as Helm does: deeper templates first, so that what a chart
// defines replaces what its dependencies do.
func order(units []unit) {
	slices.SortFunc(units, func(a, b unit) int {
		if d := strings.Count(b.name, "/") - strings.Count(a.name, "/"); d != 0 {
			return d
		}
		return strings.Compare(b.name, a.name)
	})
}

// compile parses templates that are in order.
func compile(units []unit, funcs template.FuncMap) (*program, error) {
	p := &program{set: template.New("gotpl").Option("missingkey=zero").Funcs(funcs)}
	for _, u := range units {
		trees, err := parseTemplate(u.name, string(u.file.Data), funcs)
		if err != nil {
			return nil, err
		}
		for name, tree := range trees {
			instrument(tree, string(u.file.Data), name == u.name)
			if _, err := p.set.AddParseTree(name, tree); err != nil {
				return nil, fault.Wrap(fault.Invalid, err)
			}
		}
		if !strings.HasPrefix(path.Base(u.name), "_") {
			p.runs = append(p.runs, u.name)
		}
	}
	return p, nil
}

func parseTemplate(name, text string, funcs template.FuncMap) (map[string]*parse.Tree, error) {
	if strings.Count(text, leftDelim) > maxActions {
		return nil, fault.New(fault.Invalid, "parse error in (%s): it has more than %d actions", name, maxActions)
	}
	trees, err := parse.Parse(name, text, "", "", funcs, builtins())
	if err == nil {
		return trees, nil
	}
	// "template: NAME:LINE: what is wrong"
	where, what, ok := strings.Cut(strings.TrimPrefix(err.Error(), "template: "), ": ")
	if !ok {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("parse error in (%s): %w", name, err))
	}
	return nil, fault.New(fault.Invalid, "parse error at (%s): %s", where, what)
}

// builtins names what text/template defines itself.
func builtins() map[string]any {
	out := map[string]any{}
	for _, name := range strings.Fields("and break call continue eq ge gt html index js le len lt ne not or print printf println slice urlquery") {
		out[name] = true
	}
	delete(out, "break")
	delete(out, "continue")
	return out
}

// units lists the templates of a chart and of the charts below it, with what
// each of them sees.
func units(c *chart.Chart, top map[string]any) []unit {
	var out []unit
	var walk func(*chart.Chart, map[string]any) map[string]any
	walk = func(c *chart.Chart, above map[string]any) map[string]any {
		below := map[string]any{}
		seen := map[string]any{
			"Chart": struct {
				chart.Metadata
				IsRoot bool
			}{*c.Metadata, c.IsRoot()},
			"Files":        newFiles(c.Files),
			"Release":      above["Release"],
			"Capabilities": above["Capabilities"],
			"Values":       make(chartutil.Values),
			"Subcharts":    below,
		}
		if c.IsRoot() {
			seen["Values"] = above["Values"]
		} else if values, err := chartutil.Values(above).Table("Values." + c.Name()); err == nil {
			seen["Values"] = values
		}
		for _, sub := range c.Dependencies() {
			below[sub.Name()] = walk(sub, seen)
		}
		library := strings.EqualFold(c.Metadata.Type, "library")
		for _, t := range c.Templates {
			if t == nil || library && !strings.HasPrefix(path.Base(t.Name), "_") {
				continue
			}
			full := c.ChartFullPath()
			out = append(out, unit{path.Join(full, t.Name), t, c, seen, path.Join(full, "templates")})
		}
		return seen
	}
	walk(c, top)
	order(out)
	return out
}
