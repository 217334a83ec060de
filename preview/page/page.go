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
	t, err := template.New("page").Parse(layout)
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
	Title, Verdict string
	Facts          []string
	Style          template.CSS
	Script         template.JS
	Risks          []show.Finding
	Standing       []show.Finding
	Problems       []show.Problem
	Warnings       []string
	Sections       []section
	Settings       []setting
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
	Rows                  []row
}

// row is a line of the diff, and of the side-by-side view what stands
// opposite.
type row struct {
	Class, Before, After, Heading string
	// HasB and HasA tell an empty line from none.
	HasB, HasA bool
}

type setting struct {
	Who  string
	Was  string
	Rows []row
}

func newView(r preview.Report, title string) view {
	verdict := show.Verdict(r)
	v := view{
		Title: markdown.Visible(title), Verdict: strings.ToUpper(verdict[:1]) + verdict[1:],
		Style: template.CSS(style), Script: template.JS(script), //nolint:gosec // both are part of the program
		Facts: []string{"base " + show.Commit(r.Base), "head " + show.Commit(r.Head), show.Rendered(r), fmt.Sprintf("%.1f s", r.Seconds)},
		Risks: show.Findings(r), Standing: show.Standing(r), Problems: show.Problems(r),
	}
	if r.Live != nil {
		v.Live, v.Clusters, v.Items = true, show.LiveClusters(r.Live), show.LiveItems(r.Live)
		v.Facts = append(v.Facts, "live: "+show.LiveVerdict(r.Live))
	}
	if r.Merge != "" {
		v.Facts = append(v.Facts, markdown.Visible(r.Merge))
	}
	for _, w := range r.Warnings {
		v.Warnings = append(v.Warnings, markdown.Visible(w))
	}
	for _, s := range show.Settings(r) {
		v.Settings = append(v.Settings, setting{Who: strings.Join(s.Apps, ", "), Was: s.Was, Rows: rows(s.Lines)})
	}
	for _, s := range r.Sections {
		out := section{Where: markdown.Visible(show.Where(s)), Targets: visible(s.Targets)}
		for _, o := range s.Objects {
			added, removed := show.Size(o)
			out.Objects = append(out.Objects, object{
				Title: markdown.Visible(show.Title(o)), Origin: markdown.Visible(o.Origin), Action: string(o.Action),
				Added: added, Removed: removed, Rows: rows(show.Lines(o)),
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

// rows puts removed and added lines that follow each other side by side.
func rows(lines []show.Line) []row {
	var out []row
	for i := 0; i < len(lines); {
		switch lines[i].Sign {
		case '@':
			out = append(out, row{Class: "heading", Heading: lines[i].Text})
			i++
			continue
		case ' ':
			out = append(out, row{Class: "same", Before: lines[i].Text, After: lines[i].Text, HasB: true, HasA: true})
			i++
			continue
		}
		var before, after []string
		for ; i < len(lines) && lines[i].Sign == '-'; i++ {
			before = append(before, lines[i].Text)
		}
		for ; i < len(lines) && lines[i].Sign == '+'; i++ {
			after = append(after, lines[i].Text)
		}
		for k := range max(len(before), len(after)) {
			r := row{Class: "changed"}
			if k < len(before) {
				r.Before, r.HasB = before[k], true
			}
			if k < len(after) {
				r.After, r.HasA = after[k], true
			}
			out = append(out, r)
		}
	}
	return out
}
