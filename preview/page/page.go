package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/show"
)

//go:embed page.html
var layout string

//go:embed page.css
var style string

//go:embed page.js
var script string

// Write writes the page. Title names the change: "shop/config #412".
func Write(w io.Writer, r preview.Report, title string) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"few": show.Few, "more": func(names []string) bool { return show.Few(names) != strings.Join(names, ", ") },
	}).Parse(layout)
	if err != nil {
		return fmt.Errorf("read the page's layout: %w", err)
	}
	if err := t.Execute(w, newView(r, title)); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// view is what the layout shows: words, no decisions.
type view struct {
	// Verdict is in a few words, Counts and Failures are the rest of the sentence.
	Title, Verdict          string
	Counts, Failures, Facts []string
	Style                   template.CSS
	Script                  template.JS
	Risks                   []show.Finding
	Standing                []show.Finding
	Problems                []show.Problem
	Warnings                []string
	Sections                []section
	Settings                []setting
	// Clusters and Items are what clusters say, where some were asked.
	Live     bool
	Clusters []show.LiveCluster
	Items    []show.LiveItem
}

type section struct {
	Where   string
	Targets []preview.Target
	Objects []object
}

type object struct {
	Title, Origin, Action string
	Added, Removed        int
	Runs                  []run
}

// run is lines that belong together.
type run []row

// row is a line of the diff, and of the side-by-side view what stands
// opposite.
type row struct {
	Class, Before, After, Heading string
	// HasB and HasA tell an empty line from none.
	HasB, HasA bool
}

type setting struct {
	Who, What, Action, Origin string
	Apps                      []string
	Runs                      []run
}

func newView(r preview.Report, title string) view {
	verdict, counts, failures := show.Parts(r)
	v := view{
		Title: markdown.Visible(title), Verdict: strings.ToUpper(verdict[:1]) + verdict[1:], Counts: counts, Failures: failures,
		Style: template.CSS(style), Script: template.JS(script), //nolint:gosec // both are part of the program
		Facts: []string{"base " + show.Commit(r.Base), "head " + show.Commit(r.Head), show.Merge(r), show.Rendered(r), fmt.Sprintf("took %.1f s", r.Seconds)},
		Risks: show.Findings(r), Standing: show.Standing(r), Problems: show.Problems(r),
	}
	if r.Live != nil {
		v.Live, v.Clusters, v.Items = true, show.LiveClusters(r.Live), show.LiveItems(r.Live)
		v.Facts = append(v.Facts, "live: "+show.LiveVerdict(r.Live))
	}
	for _, w := range r.Warnings {
		v.Warnings = append(v.Warnings, markdown.Visible(w))
	}
	for _, s := range show.Settings(r) {
		v.Settings = append(v.Settings, setting{show.Few(s.Apps), s.What(), show.Action(s.Action, s.Kept), s.Origin(), s.Apps, runs(s.Blocks)})
	}
	for _, s := range r.Sections {
		out := section{Where: markdown.Visible(show.Where(s)), Targets: visible(s.Targets)}
		for _, o := range s.Objects {
			added, removed := show.Size(o)
			out.Objects = append(out.Objects, object{
				Title: markdown.Visible(show.Title(o)), Origin: markdown.Visible(o.Origin), Action: show.Action(o.Action, o.Kept),
				Added: added, Removed: removed, Runs: runs(show.Blocks(o)),
			})
		}
		v.Sections = append(v.Sections, out)
	}
	return v
}

// visible are targets whose names print.
func visible(targets []preview.Target) []preview.Target {
	out := make([]preview.Target, len(targets))
	for i, t := range targets {
		out[i] = preview.Target{Application: markdown.Visible(t.Application), Cluster: markdown.Visible(t.Cluster)}
	}
	return out
}

// runs puts removed and added lines of a block that follow each other side by
// side.
func runs(blocks [][]show.Line) []run {
	var out []run
	for _, lines := range blocks {
		for i := 0; i < len(lines); {
			from := i
			for i < len(lines) && lines[i].Sign == lines[from].Sign {
				i++
			}
			gone := lines[from:i]
			var come []show.Line
			switch lines[from].Sign {
			case '@':
				out = append(out, headings(gone))
				continue
			case ' ':
				out = append(out, same(gone))
				continue
			case '+':
				gone, come = nil, gone
			default:
				from = i
				for i < len(lines) && lines[i].Sign == '+' {
					i++
				}
				come = lines[from:i]
			}
			out = append(out, opposite(gone, come))
		}
	}
	return out
}

func headings(lines []show.Line) run {
	var out run
	for _, l := range lines {
		out = append(out, row{Class: "heading", Heading: l.Text})
	}
	return out
}

func same(lines []show.Line) run {
	var out run
	for _, l := range lines {
		out = append(out, row{Class: "same", Before: l.Text, After: l.Text, HasB: true, HasA: true})
	}
	return out
}

func opposite(gone, come []show.Line) run {
	var out run
	for k := range max(len(gone), len(come)) {
		r := row{Class: "changed"}
		if k < len(gone) {
			r.Before, r.HasB = gone[k].Text, true
		}
		if k < len(come) {
			r.After, r.HasA = come[k].Text, true
		}
		out = append(out, r)
	}
	return out
}
