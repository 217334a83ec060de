package comment

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/show"
)

// table has a row for each object that changes; where these take more than a
// third of the room, one for each cluster; else it is left out: the verdict
// counts.
func table(w *writer, r preview.Report) {
	var b strings.Builder
	b.WriteString("\n| | Change | Applications | Clusters | +/- |\n|---|---|---|---|---|\n")
	rows := 0
	for _, s := range r.Sections {
		for _, o := range s.Objects {
			added, removed := show.Size(o)
			fmt.Fprintf(&b, "| %s | %s | %s | %s | +%d -%d |\n", sign(o.Action), markdown.Code(show.Title(o)), names(s), clusters(s), added, removed)
			rows++
		}
		if b.Len() > w.limit/3 {
			perCluster(w, r)
			return
		}
	}
	for _, s := range show.Settings(r) {
		added, removed := show.Signs(s.Lines())
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", sign(s.Action), markdown.Text(own(s)), markdown.Text(show.Few(s.Apps)), some(s.Clusters), size(added, removed))
		rows++
	}
	if rows > 0 && b.Len() <= w.limit/3 {
		w.add(b.String())
		return
	}
	if rows > 0 {
		perCluster(w, r)
	}
}

// own tells what becomes of applications themselves.
func own(s show.Setting) string {
	if len(s.Paths) == 0 {
		return s.What()
	}
	return s.What() + ": " + show.Few(s.Paths)
}

func size(added, removed int) string {
	if added+removed == 0 {
		return ""
	}
	return fmt.Sprintf("+%d -%d", added, removed)
}

func perCluster(w *writer, r preview.Report) {
	type count struct {
		apps    map[string]bool
		objects int
	}
	all := map[string]*count{}
	for _, app := range r.Apps {
		c := all[app.Cluster]
		if c == nil {
			c = &count{apps: map[string]bool{}}
			all[app.Cluster] = c
		}
		c.apps[app.Name] = true
		c.objects += len(app.Objects)
	}
	var clusters []string
	for name := range all {
		clusters = append(clusters, name)
	}
	slices.Sort(clusters)
	var b strings.Builder
	b.WriteString("\n| Cluster | Applications | Objects |\n|---|---|---|\n")
	for _, name := range clusters {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", markdown.Text(cmp.Or(name, "-")), show.Number(len(all[name].apps)), show.Number(all[name].objects))
	}
	if b.Len() <= w.limit/3 {
		w.add(b.String())
	}
}

func sign(a preview.Action) string {
	switch a {
	case preview.Create:
		return "&#43;"
	case preview.Delete:
		return "&#8722;"
	case preview.Rename:
		return "&#8594;"
	case preview.Unknown:
		return "?"
	case preview.Update, preview.Same:
	}
	return "~"
}

func names(s preview.Section) string {
	var all []string
	for _, t := range s.Targets {
		if !slices.Contains(all, t.Application) {
			all = append(all, t.Application)
		}
	}
	return markdown.Text(show.Few(all))
}

func clusters(s preview.Section) string { return some(show.Clusters(s)) }

func some(all []string) string {
	if len(all) == 0 {
		return "-"
	}
	text := show.Few(all)
	if len(all) > 1 {
		text += fmt.Sprintf(" (%d)", len(all))
	}
	return markdown.Text(text)
}

// mostLines bounds those of one object where there is no room for all.
const mostLines = 400

// sections writes all diffs whole where these fit, else as many as do, of which
// none is so long that it takes the room of all others.
func sections(w *writer, r preview.Report, h *hidden) {
	for _, most := range []int{math.MaxInt, mostLines} {
		try, left := &writer{limit: w.limit - w.b.Len()}, *h
		left.apps = maps.Clone(h.apps)
		for _, s := range r.Sections {
			section(try, s, most, &left)
		}
		if most == mostLines || left.objects == h.objects && left.lines == h.lines {
			w.add(try.b.String())
			*h = left
			return
		}
	}
}

// section writes the diffs that some applications share, object by object.
func section(w *writer, s preview.Section, most int, h *hidden) {
	hide := func(n int) {
		if n == 0 {
			return
		}
		h.objects += n
		if h.apps == nil {
			h.apps = map[string]bool{}
		}
		for _, t := range s.Targets {
			h.apps[t.Application] = true
		}
	}
	title := markdown.Text(show.Where(s))
	if len(s.Targets) > 1 {
		title += fmt.Sprintf(": identical in %s", show.Count(len(s.Targets), "application", "applications"))
	}
	head := "\n<details><summary>" + title + ", " + show.Count(len(s.Objects), "object", "objects") + "</summary>\n"
	const tail = "\n</details>\n"
	body := &writer{limit: w.limit - w.b.Len() - len(head) - len(tail)}
	for i, o := range s.Objects {
		if !object(body, o, most, h) {
			hide(len(s.Objects) - i)
			break
		}
	}
	if body.b.Len() == 0 {
		return
	}
	w.add(head + body.b.String() + tail)
}

// settings writes what changes of applications themselves.
func settings(w *writer, r preview.Report, h *hidden) {
	for _, s := range show.Settings(r) {
		if len(s.Blocks) == 0 {
			continue // the table says it
		}
		head := "\n<details><summary>" + markdown.Text(show.Few(s.Apps)+": "+s.What()) + "</summary>\n\n"
		const tail = "\n</details>\n"
		body := &writer{limit: w.limit - w.b.Len() - len(head) - len(tail)}
		if !diff(body, "", s.Lines(), mostLines, h) {
			h.settings += len(s.Apps)
			continue
		}
		w.add(head + body.b.String() + tail)
	}
}

// object writes one diff: whole, or as many of its lines as fit where these
// are enough to say something. False is that there is no room.
func object(w *writer, o preview.Object, most int, h *hidden) bool {
	title := "\n**" + markdown.Text(show.Title(o)) + "**"
	if o.Origin != "" {
		title += " " + markdown.Code(o.Origin)
	}
	title += " " + verb(o) + "\n\n"
	return diff(w, title, show.Lines(o), most, h)
}

// diff writes lines below a title: all, or as many as fit where these are enough
// to say something, and then how many are left out. False is that there is no
// room.
func diff(w *writer, title string, lines []show.Line, most int, h *hidden) bool {
	const (
		least = 5  // lines that say something
		room  = 90 // for the fence, what is around it, and what tells of lines left out
	)
	var b strings.Builder
	shown, fence := 0, longest("")
	for _, l := range lines {
		text := string(l.Sign) + " " + l.Text + "\n"
		if l.Sign == '@' {
			text = "@@ " + l.Text + " @@\n"
		}
		fence = max(fence, longest(text))
		if w.b.Len()+len(title)+b.Len()+len(text)+room+2*fence > w.limit || shown == most {
			break
		}
		b.WriteString(text)
		shown++
	}
	if shown < len(lines) && shown < least {
		return false
	}
	left := len(lines) - shown
	if left > 0 {
		fmt.Fprintf(&b, "@@ %s not shown here @@\n", show.Count(left, "more line is", "more lines are"))
	}
	edge := markdown.Fence(b.String())
	text := title + edge + "diff\n" + b.String() + edge + "\n"
	if !w.add(text) {
		return false
	}
	h.lines += left
	return true
}

// longest is the length of the fence that a text needs.
func longest(text string) int { return len(markdown.Fence(text)) }

func verb(o preview.Object) string {
	switch o.Action {
	case preview.Create:
		return "is created"
	case preview.Delete:
		if o.Kept != "" {
			return "is described no more"
		}
		return "is deleted"
	case preview.Rename:
		return "is renamed"
	case preview.Unknown:
		return "is there with the change; base is not known"
	case preview.Update, preview.Same:
	}
	return "is changed"
}
