package comment

import (
	"fmt"
	"strings"

	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/risk"
	"github.com/trueup-dev/trueup/preview/show"
)

// Options say how a comment is written.
type Options struct {
	// Limit bounds the comment in bytes; 0 is 60,000, which fits the forges that
	// take 65,536 characters. Less than 2,000 counts as that.
	Limit int
	// Instance tells the comments of several agents apart. It is part of the
	// marker.
	Instance string
	// Alerts: the forge shows "> [!WARNING]" as a box.
	Alerts bool
	// Full is the URL of the whole report; empty where there is none.
	Full string
	// Verbs are the commands that comments may give.
	Verbs []string
	// Command reproduces the report on a terminal: its words, of which strangers
	// may have chosen some.
	Command []string
	// Past are the heads that were previewed before, the newest first: PastOf
	// reads them off the last comment.
	Past []Past
}

const (
	defaultLimit = 60_000
	leastLimit   = 2_000
	// hiddenRoom is kept for the sentence that tells what is not shown, and for
	// closing what is open.
	hiddenRoom = 400
	// maxCommand bounds the command that is told: a ref may be as long as it likes.
	maxCommand = 600
)

// Marker is the hidden first line by which a comment is found again.
func Marker(instance string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower(instance))
	return "<!-- trueup:preview v1 instance=" + clean + " -->"
}

// Placeholder is the comment while the report is being made.
func Placeholder(instance, head string) string {
	return Marker(instance) + "\n### Preview: looking for applications that it touches\n\n" + markdown.Code(show.Commit(head)) + ": what merging it would do will stand here.\n"
}

// writer adds parts for as long as there is room.
type writer struct {
	b     strings.Builder
	limit int
	// spare is what lists may take beyond their share, for nothing else needs it.
	spare int
	// unused is what is left of the shares of lists that have no room for all.
	unused int
}

func (w *writer) add(text string) bool {
	if w.b.Len()+len(text) > w.limit {
		return false
	}
	w.b.WriteString(text)
	return true
}

// Write writes the comment. It is never longer than the limit.
func Write(r preview.Report, o Options) string {
	if o.Limit == 0 {
		o.Limit = defaultLimit
	}
	o.Limit = max(o.Limit, leastLimit)
	below := foot(r, o)
	for _, drop := range []func(){func() { o.Command = nil }, func() { o.Past = nil }} {
		if len(below) > o.Limit/2 { // what is above matters more
			drop()
			below = foot(r, o)
		}
	}
	w := &writer{limit: o.Limit - hiddenRoom - len(below)}
	left := body(w, r, o)
	if spare := w.limit - w.b.Len() - w.unused; left.listed() > 0 && spare > 0 {
		again := &writer{limit: w.limit, spare: spare}
		if now := body(again, r, o); now.listed() < left.listed() && now.others() == left.others() {
			w, left = again, now
		}
	}
	w.b.WriteString(left.sentence())
	w.b.WriteString(below)
	return w.b.String()
}

// body writes all but the foot, and returns what has no room.
func body(w *writer, r preview.Report, o Options) hidden {
	left := hidden{full: o.Full}
	w.add(Marker(o.Instance) + "\n### Preview: " + markdown.Text(show.Verdict(r)) + "\n")
	risks(w, r, o, &left)
	problems(w, r, &left)
	liveState(w, r, &left)
	table(w, r)
	settings(w, r, &left)
	sections(w, r, &left)
	warnings(w, r, &left)
	return left
}

// hidden counts what has no room.
type hidden struct {
	objects, risks, problems, warnings, lines, settings int
	clusters, verdicts                                  int // of the live state
	apps                                                map[string]bool
	full                                                string
}

// listed counts what is told in lists, which have a share of the room.
func (h hidden) listed() int { return h.risks + h.problems + h.warnings + h.clusters + h.verdicts }

// others tells what is hidden beside that.
func (h hidden) others() string {
	return hidden{objects: h.objects, lines: h.lines, settings: h.settings, apps: h.apps}.sentence()
}

func (h hidden) sentence() string {
	var parts []string
	if h.objects > 0 {
		parts = append(parts, show.Count(h.objects, "object", "objects")+" in "+show.Count(len(h.apps), "application", "applications"))
	}
	if h.settings > 0 {
		parts = append(parts, "the settings of "+show.Count(h.settings, "application", "applications"))
	}
	if h.lines > 0 {
		parts = append(parts, show.Count(h.lines, "line", "lines")+" of objects that are shown in part")
	}
	if h.risks > 0 {
		parts = append(parts, show.Count(h.risks, "risk", "risks"))
	}
	if h.problems > 0 {
		parts = append(parts, show.Count(h.problems, "problem", "problems"))
	}
	if h.warnings > 0 {
		parts = append(parts, show.Count(h.warnings, "warning", "warnings"))
	}
	if h.clusters > 0 {
		parts = append(parts, "what "+show.Count(h.clusters, "cluster says", "clusters say"))
	}
	if h.verdicts > 0 {
		parts = append(parts, show.Count(h.verdicts, "live verdict", "live verdicts"))
	}
	if len(parts) == 0 {
		return ""
	}
	text := "\n**Not shown for lack of room:** " + strings.Join(parts, ", ")
	if h.full != "" {
		return text + ": see the full report.\n"
	}
	return text + ".\n"
}

// risks writes the grave ones as boxes, the others as a list that is folded.
func risks(w *writer, r preview.Report, o Options, h *hidden) {
	bySeverity := map[risk.Severity][]string{}
	for _, f := range show.Findings(r) {
		bySeverity[f.Severity] = append(bySeverity[f.Severity], markdown.Code(f.Object)+" "+markdown.Text(f.Message)+" ("+markdown.Text(f.Where)+")"+live(f))
	}
	for _, s := range []struct {
		severity risk.Severity
		box      string
	}{{risk.Critical, "CAUTION"}, {risk.Warning, "WARNING"}} {
		all := bySeverity[s.severity]
		if len(all) == 0 {
			continue
		}
		head := "\n> **" + strings.ToUpper(string(s.severity[:1])) + string(s.severity[1:]) + "**\n"
		if o.Alerts {
			head = "\n> [!" + s.box + "]\n"
		}
		list(w, head, "> - ", all, &h.risks)
	}
	all := bySeverity[risk.Notice]
	folded(w, show.Count(len(all), "thing to know", "things to know"), all, &h.risks)
	var standing []string
	for _, f := range show.Standing(r) {
		standing = append(standing, markdown.Code(f.Object)+" "+markdown.Text(f.Message)+" ("+markdown.Text(f.Where)+")")
	}
	folded(w, "On base already: "+show.Count(len(standing), "violation", "violations"), standing, &h.risks)
}

// folded writes a list that opens on demand, as list does.
func folded(w *writer, summary string, all []string, left *int) {
	if len(all) > 0 {
		w.list("\n<details><summary>"+summary+"</summary>\n\n", "- ", all, "\n</details>\n", left)
	}
}

// live marks what a cluster says.
func live(f show.Finding) string {
	if f.Live {
		return " *live*"
	}
	return ""
}

// list writes items below a head.
func list(w *writer, head, bullet string, all []string, left *int) {
	w.list(head, bullet, all, "", left)
}

// list writes as many items as fit into a quarter of the room, and into what is
// spare, and counts the others. Its last line tells how many there are besides.
func (w *writer) list(head, bullet string, all []string, tail string, left *int) {
	share := w.limit/4 - len(head) - len(tail)
	room := min(share+w.spare, w.limit-w.b.Len()-len(head)-len(tail))
	text, more := "", ""
	shown := 0
	for i, item := range all {
		next := text + bullet + item + "\n"
		rest := ""
		if n := len(all) - i - 1; n > 0 {
			rest = bullet + "and " + show.Number(n) + " more\n"
		}
		if len(next)+len(rest) > room {
			break
		}
		text, more, shown = next, rest, i+1
	}
	text += more
	if shown > 0 {
		w.add(head + text + tail)
	}
	if shown < len(all) {
		w.unused += max(0, share-len(text))
	}
	w.spare -= min(w.spare, max(0, len(text)-share))
	*left += len(all) - shown
}

func problems(w *writer, r preview.Report, h *hidden) {
	var all []string
	for _, p := range show.Problems(r) {
		all = append(all, problem(p))
	}
	if len(all) > 0 {
		list(w, "\n#### What could not be rendered\n\n", "- ", all, &h.problems)
	}
}

// problem is its first line; what follows is the engine's own chatter.
func problem(p show.Problem) string {
	const most = 600
	text := ""
	if who := p.Who(); who != "" {
		text = "**" + markdown.Text(who) + "** "
	}
	if origin := p.Origin(); origin != "" {
		text += markdown.Code(origin) + " "
	}
	line := p.Lines[0]
	if runes := []rune(line); len(runes) > most {
		line = string(runes[:most]) + "…"
	}
	text += markdown.Text(line)
	if more := len(p.Lines) - 1; more > 0 {
		text += " (" + show.Count(more, "more line is", "more lines are") + " not shown)"
	}
	if p.Note != "" {
		text += " *(" + p.Note + ")*"
	}
	return text
}

func warnings(w *writer, r preview.Report, h *hidden) {
	var all []string
	for _, text := range r.Warnings {
		all = append(all, markdown.Text(text))
	}
	if len(all) > 0 {
		list(w, "\n#### Warnings\n\n", "- ", all, &h.warnings)
	}
}

// foot says what was compared, and how to go on from here.
func foot(r preview.Report, o Options) string {
	facts := []string{"base " + markdown.Code(show.Commit(r.Base)), "head " + markdown.Code(show.Commit(r.Head))}
	if merge := show.Merge(r); merge != "" {
		facts = append(facts, markdown.Text(merge))
	}
	facts = append(facts, markdown.Text(show.Rendered(r)), fmt.Sprintf("%.1f s", r.Seconds))
	if o.Full != "" {
		facts = append(facts, "[full report]("+o.Full+")")
	}
	text := "\n---\n<sub>" + strings.Join(facts, " · ") + "</sub>\n"
	var next []string
	if len(o.Verbs) > 0 {
		verbs := make([]string, len(o.Verbs))
		for i, verb := range o.Verbs {
			verbs[i] = markdown.Code(verb)
		}
		next = append(next, "in a comment: "+strings.Join(verbs, " "))
	}
	if command, ok := show.Command(o.Command); ok && command != "" && len(command) <= maxCommand {
		next = append(next, "in a terminal: "+markdown.Code(command))
	}
	if len(next) > 0 {
		text += "\n<sub>" + strings.Join(next, " · ") + "</sub>\n"
	}
	return text + past(o.Past)
}
