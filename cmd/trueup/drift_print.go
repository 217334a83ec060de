package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/output"
	"github.com/trueup-dev/trueup/internal/markdown"
)

// printing says how a drift report is shown.
type printing struct {
	palette palette
	// all shows expected differences and objects in sync as well.
	all bool
	// times is the layout of times.
	times string
	// next is the command that the last line proposes.
	next string
}

// drifted counts what the last line tells.
type drifted struct {
	inSync, modified, missing, extra int
	orphaned, unknown                int
	fields, undeclared, hidden       int
}

func tally(report drift.Report) drifted {
	var d drifted
	for _, o := range report.Objects {
		switch o.State {
		case drift.InSync:
			d.inSync++
		case drift.Modified:
			d.modified++
		case drift.Missing:
			d.missing++
		case drift.Extra:
			d.extra++
		case drift.Orphaned:
			d.orphaned++
		case drift.Unknown:
			d.unknown++
		}
		for _, f := range o.Fields {
			switch f.Class {
			case drift.Declared, drift.Removed:
				d.fields++
			case drift.Undeclared:
				d.undeclared++
			case drift.Expected:
				d.hidden++
			}
		}
	}
	return d
}

// printDrift writes the report for people: one block per object that differs,
// path-addressed, the totals and the next command last.
func printDrift(w io.Writer, report drift.Report, p printing) error {
	var b strings.Builder
	for _, o := range report.Objects {
		p.object(&b, o)
	}
	if note := report.Note(); note != "" {
		fmt.Fprintf(&b, "%s\n\n", p.palette.dim("note: "+markdown.Visible(note)))
	}
	p.totals(&b, tally(report))
	_, err := io.WriteString(w, b.String())
	return err
}

func (p printing) object(b *strings.Builder, o drift.Object) {
	shown, expected, rules := p.visible(o.Fields)
	if o.State == drift.InSync && len(shown) == 0 && !p.all {
		return
	}
	fmt.Fprintf(b, "%s %s%s\n", p.symbol(o.State), p.palette.bold(o.Key().Short()), p.state(o))
	if by := output.Declared(o.Declared); by != "" {
		fmt.Fprintf(b, "    %s\n", p.palette.dim(by))
	}
	if o.Reason != "" {
		fmt.Fprintf(b, "    %s\n", p.palette.dim("("+output.Value(o.Reason)+")"))
	}
	for _, f := range shown {
		p.field(b, f)
	}
	if expected > 0 {
		fmt.Fprintf(b, "    %s\n", p.palette.dim(fmt.Sprintf("(%s hidden, by %s: --all)", plural(expected, "expected difference"), strings.Join(rules, ", "))))
	}
	b.WriteByte('\n')
}

// visible leaves out what is expected, and tells by which rules.
func (p printing) visible(fields []drift.Field) (shown []drift.Field, expected int, rules []string) {
	for _, f := range fields {
		if f.Class == drift.Expected && !p.all {
			expected++
			if !slices.Contains(rules, f.Rule) {
				rules = append(rules, f.Rule)
			}
			continue
		}
		shown = append(shown, f)
	}
	return shown, expected, rules
}

func (p printing) symbol(state drift.State) string {
	switch state {
	case drift.Modified:
		return p.palette.yellow("~")
	case drift.Missing:
		return p.palette.green("+")
	case drift.Extra:
		return p.palette.red("-")
	case drift.Unknown:
		return p.palette.yellow("?")
	default:
		return "="
	}
}

// state adds what the symbol alone would leave unclear.
func (p printing) state(o drift.Object) string {
	switch o.State {
	case drift.Missing:
		if by := output.By(o.Audit); by != "" {
			return "  in Git, deleted " + by + ": a sync creates it"
		}
		return "  in Git, not live: a sync creates it"
	case drift.Extra:
		return "  live, not in Git: a sync with prune deletes it"
	case drift.Orphaned:
		return "  live, tracked by nobody: no sync touches it"
	case drift.Unknown:
		return "  could not be compared"
	default:
		return ""
	}
}

func (p printing) field(b *strings.Builder, f drift.Field) {
	fmt.Fprintf(b, "    %s\n", f.Path)
	desired, live := valueText(f.Desired), "(absent)"
	if f.Live != nil {
		live = valueText(f.Live)
	}
	width := max(utf8.RuneCountInString(desired), utf8.RuneCountInString(live)) + len("- ")
	if f.Desired != nil {
		fmt.Fprintf(b, "      %s  %s\n", p.palette.red(pad("- "+desired, width)), p.palette.dim("git"))
	}
	fmt.Fprintf(b, "      %s  %s\n", p.palette.green(pad("+ "+live, width)), p.palette.dim(p.blame(f)))
	if by := output.Declared(f.Declared); by != "" {
		fmt.Fprintf(b, "      %s\n", p.palette.dim(by))
	}
}

// blame names the hand as far as it is known. A manager is a client's name,
// not a person's.
func (p printing) blame(f drift.Field) string {
	parts := []string{"live", output.Hand(f)}
	if f.Time != nil {
		parts = append(parts, f.Time.UTC().Format(p.times))
	}
	switch {
	case f.Class == drift.Undeclared:
		parts = append(parts, "not in Git")
	case f.Class == drift.Expected:
		parts = append(parts, "expected: "+f.Rule)
	case f.Class == drift.Removed:
		parts = append(parts, "dropped from Git")
	case f.Desired == nil:
		parts = append(parts, "inside a value that Git declares as a whole")
	}
	return strings.Join(parts, ", ")
}

func (p printing) totals(b *strings.Builder, d drifted) {
	text := fmt.Sprintf("%d in sync · %d modified · %d missing · %d extra", d.inSync, d.modified, d.missing, d.extra)
	if d.fields > 0 {
		text += " · " + plural(d.fields, "drifted field")
	}
	if d.orphaned > 0 {
		text += fmt.Sprintf(" · %d orphaned", d.orphaned)
	}
	if d.undeclared > 0 {
		text += " · " + plural(d.undeclared, "undeclared field")
	}
	if d.hidden > 0 {
		text += " · " + plural(d.hidden, "expected difference")
	}
	b.WriteString(p.palette.bold(text) + "\n")
	if d.hidden > 0 && !p.all && p.next != "" {
		b.WriteString("next: " + p.next + "\n")
	}
}

// valueText prints a value on one line.
func valueText(v any) string { return output.Value(v) }

func pad(s string, width int) string {
	if n := width - len([]rune(s)); n > 0 {
		return s + strings.Repeat(" ", n)
	}
	return s
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
