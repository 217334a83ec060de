package plan

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/trueup-dev/trueup/drift"
)

// String prints the plan for people: waves in order, one line per step and
// field, refusals and warnings, the totals last.
func (p Plan) String() string {
	var b strings.Builder
	title := "plan for " + p.App
	if p.Revision != "" {
		title += " at " + p.Revision
	}
	b.WriteString(title + "\n")
	section := ""
	for _, s := range p.Steps {
		if name := sectionOf(s); name != section {
			section = name
			b.WriteString(section + "\n")
		}
		s.print(&b)
	}
	for _, r := range p.Refusals {
		fmt.Fprintf(&b, "refused (%s): %s\n", r.Reason, r.Message)
	}
	for _, w := range p.Warnings {
		fmt.Fprintf(&b, "warning (%s): %s\n", w.Rule, w.Message)
	}
	b.WriteString(p.Totals() + "\n")
	return b.String()
}

// Totals is the last line of the printed plan.
func (p Plan) Totals() string {
	text := fmt.Sprintf("%d to create · %d to update · %d to delete", p.Count(Create), p.Count(Update), p.Count(Prune))
	if n := p.Count(Keep); n > 0 {
		text += fmt.Sprintf(" · %d kept", n)
	}
	if n := p.Deferred(); n > 0 {
		text += fmt.Sprintf(" · %d of them later", n)
	}
	if len(p.Refusals) > 0 {
		text += " · refused"
	}
	return text
}

func sectionOf(s Step) string {
	switch s.Action {
	case Prune:
		return "prune"
	case Keep:
		return "keep"
	default:
		return fmt.Sprintf("wave %d", s.Wave)
	}
}

func (s Step) print(b *strings.Builder) {
	fmt.Fprintf(b, "  %s %s", s.Action.symbol(), s.Key)
	switch {
	case s.Deferred:
		fmt.Fprintf(b, "  (later: %s)", s.Reason)
	case s.Reason != "":
		fmt.Fprintf(b, "  (%s)", s.Reason)
	}
	b.WriteByte('\n')
	for _, f := range s.Fields {
		fmt.Fprintf(b, "      %s: %s -> %s%s\n", f.Path, valueText(f.Live), valueText(f.Desired), blame(f))
	}
}

func (a Action) symbol() string {
	switch a {
	case Create:
		return "+"
	case Update:
		return "~"
	case Prune:
		return "-"
	default:
		return "="
	}
}

func blame(f drift.Field) string {
	if f.Manager == "" {
		return ""
	}
	return "  # " + f.Manager
}

func valueText(v any) string {
	if v == nil {
		return "(absent)"
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSpace(b.String())
}
