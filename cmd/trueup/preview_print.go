package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/internal/repourl"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/policy"
	"github.com/trueup-dev/trueup/preview/risk"
	"github.com/trueup-dev/trueup/preview/show"
	"github.com/trueup-dev/trueup/preview/trial"
)

// printPreview writes a preview for a terminal: what is risky, then each
// change with where it goes, the verdict last. Notices are counted, unless they
// are asked for.
func printPreview(s streams, r preview.Report, notices bool) error {
	p := palette(s.color)
	var b strings.Builder
	previewProblems(&b, p, r)
	previewRisks(&b, p, r, notices)
	for _, setting := range show.Settings(r) {
		fmt.Fprintf(&b, "%s\n  %s %s", p.bold(show.Few(setting.Apps)), signOf(p, setting.Action, setting.Kept), setting.What())
		if origin := setting.Origin(); origin != "" {
			fmt.Fprintf(&b, "  %s", p.dim(origin))
		}
		b.WriteString("\n")
		previewLines(&b, p, setting.Lines())
		b.WriteString("\n")
	}
	for _, section := range r.Sections {
		fmt.Fprintf(&b, "%s\n", p.bold(markdown.Visible(show.Where(section))))
		for _, o := range section.Objects {
			previewObject(&b, p, o)
		}
		b.WriteString("\n")
	}
	previewLive(&b, p, r.Live)
	for _, w := range r.Warnings {
		fmt.Fprintf(s.err, "warning: %s\n", markdown.Visible(w))
	}
	verdict := show.Verdict(r)
	fmt.Fprintf(&b, "%s\n", strings.ToUpper(verdict[:1])+markdown.Visible(verdict[1:]))
	fmt.Fprintf(&b, "%s; %.1f s.\n", show.Rendered(r), r.Seconds)
	if said := show.LiveVerdict(r.Live); said != "" {
		fmt.Fprintf(&b, "Live: %s.\n", said)
	}
	_, err := io.WriteString(s.out, b.String())
	return err
}

func previewProblems(b *strings.Builder, p palette, r preview.Report) {
	for _, problem := range show.Problems(r) {
		who := problem.Who()
		if origin := problem.Origin(); origin != "" {
			who += " " + p.dim("("+origin+")")
		}
		if who != "" {
			who += ": "
		}
		text := strings.Join(problem.Lines, "\n    ")
		if problem.Note != "" {
			text += " (" + problem.Note + ")"
		}
		fmt.Fprintf(b, "%s %s%s\n", p.red("!"), who, text)
	}
	if b.Len() > 0 {
		b.WriteString("\n")
	}
}

func previewRisks(b *strings.Builder, p palette, r preview.Report, notices bool) {
	start, hidden := b.Len(), 0
	for _, f := range show.Findings(r) {
		paint := p.yellow
		switch f.Severity {
		case risk.Critical:
			paint = p.red
		case risk.Notice:
			if paint = p.dim; !notices {
				hidden++
				continue
			}
		case risk.Warning, risk.Off:
		}
		severity := string(f.Severity)
		if f.Live {
			severity += " (live)"
		}
		fmt.Fprintf(b, "%s %s %s (%s)\n", paint(severity), f.Object, f.Message, f.Where)
	}
	for _, f := range show.Standing(r) {
		fmt.Fprintf(b, "%s %s %s (%s)\n", p.dim("on base already"), f.Object, f.Message, f.Where)
	}
	if hidden > 0 {
		fmt.Fprintf(b, "%s\n", p.dim(show.Count(hidden, "notice is", "notices are")+" not shown: see --notices"))
	}
	if b.Len() > start {
		b.WriteString("\n")
	}
}

// previewLive writes what clusters say, apart from what Git does.
func previewLive(b *strings.Builder, p palette, l *preview.Live) {
	if l == nil {
		return
	}
	fmt.Fprintf(b, "%s\n", p.bold("Live state"))
	if len(l.Destinations) == 0 {
		b.WriteString("  no cluster was asked, for nothing changes there\n")
	}
	for _, c := range show.LiveClusters(l) {
		text := c.Text
		if c.Incomplete {
			text = p.yellow(text)
		}
		fmt.Fprintf(b, "  %s %s\n", c.Names, text)
	}
	for _, item := range show.LiveItems(l) {
		sign := p.dim("·")
		if item.Verdict.Grave() || item.Verdict == preview.NotJudged {
			sign = p.yellow("!")
		}
		if item.Verdict == preview.Rejected || item.Verdict == preview.Recreate {
			sign = p.red("!")
		}
		fmt.Fprintf(b, "  %s %s %s (%s)\n", sign, item.Object, item.Text, item.Where)
		for _, line := range item.Details {
			fmt.Fprintf(b, "      %s\n", line)
		}
	}
	b.WriteString("\n")
}

// signOf is the sign of what happens; kept is why it stays where it is described
// no more.
func signOf(p palette, a preview.Action, kept string) string {
	switch a {
	case preview.Create:
		return p.green("+")
	case preview.Delete:
		if kept != "" {
			return p.yellow("-")
		}
		return p.red("-")
	case preview.Rename:
		return p.yellow("→")
	case preview.Unknown:
		return p.yellow("?")
	case preview.Update, preview.Same:
	}
	return p.yellow("~")
}

func previewObject(b *strings.Builder, p palette, o preview.Object) {
	sign := signOf(p, o.Action, o.Kept)
	fmt.Fprintf(b, "  %s %s", sign, markdown.Visible(show.Title(o)))
	if o.Origin != "" {
		fmt.Fprintf(b, "  %s", p.dim(markdown.Visible(o.Origin)))
	}
	b.WriteString("\n")
	previewLines(b, p, show.Lines(o))
}

func previewLines(b *strings.Builder, p palette, lines []show.Line) {
	for _, l := range lines {
		text := string(l.Sign) + " " + l.Text
		switch l.Sign {
		case '+':
			text = p.green(text)
		case '-':
			text = p.red(text)
		case '@':
			text = p.dim(l.Text)
		}
		fmt.Fprintf(b, "      %s\n", text)
	}
}

// again are the words of a command that gives the same preview: of a copy on
// this machine where repo is empty.
func (o previewOptions) again(repo string, c trial.Change) []string {
	words := []string{"trueup", "preview"}
	add := func(flag string, values ...string) {
		for _, value := range values {
			if value != "" {
				words = append(words, flag, value)
			}
		}
	}
	add("--repo", repourl.Bare(repo))
	add("--base", c.Branch)
	add("--head", cmp.Or(c.Head, o.head))
	add("--apps", o.apps...)
	add("--clusters", o.clusters)
	add("--objects", o.objects...)
	add("--url", o.urls...)
	for _, rule := range slices.Sorted(maps.Keys(o.severities)) {
		add("--risk", rule+"="+o.severities[rule])
	}
	if !slices.Equal(o.policies, []string{policy.Default}) {
		add("--policies", o.policies...)
	}
	for _, flag := range []struct {
		name string
		on   bool
	}{{"--enable-helm", o.charts}, {"--untrusted", o.untrusted}, {"--live", o.live.on}} {
		if flag.on {
			words = append(words, flag.name)
		}
	}
	return words
}
