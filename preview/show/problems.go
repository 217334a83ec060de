package show

import (
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/preview"
)

// Problem is why something is not known, told once for all applications that
// fail alike. Its texts have nothing in them that does not print.
type Problem struct {
	// Apps are the applications, Origins where these are described; both are
	// empty for what concerns no single one.
	Apps, Origins []string
	// Lines are what is wrong; there is at least one.
	Lines []string
	// Note tells whose fault it is; empty where it is the change's own.
	Note string
}

// Who names some of the applications.
func (p Problem) Who() string { return Few(p.Apps) }

// Origin names some of the places.
func (p Problem) Origin() string { return few(p.Origins, "; ") }

// Problems are all of a report: those that the change makes first.
func Problems(r preview.Report) []Problem {
	type id struct{ message, note string }
	var out []*Problem
	known := map[id]*Problem{}
	at := func(p preview.Problem) *Problem {
		k := id{p.Message, note(p)}
		if known[k] == nil {
			known[k] = &Problem{Note: k.note}
			for line := range strings.SplitSeq(strings.TrimSpace(p.Message), "\n") {
				known[k].Lines = append(known[k].Lines, markdown.Visible(strings.TrimRight(line, "\r")))
			}
			out = append(out, known[k])
		}
		return known[k]
	}
	for _, p := range r.Problems {
		at(p)
	}
	for _, app := range r.Apps {
		if app.Problem == nil {
			continue
		}
		p := at(*app.Problem)
		p.Apps = append(p.Apps, markdown.Visible(app.Name))
		if from := markdown.Visible(app.Origin); from != "" && !slices.Contains(p.Origins, from) {
			p.Origins = append(p.Origins, from)
		}
	}
	all := make([]Problem, 0, len(out))
	for _, others := range []bool{false, true} {
		for _, p := range out {
			if (p.Note != "") == others {
				all = append(all, *p)
			}
		}
	}
	return all
}

func note(p preview.Problem) string {
	switch {
	case p.Before:
		return "already broken on base"
	case p.Only:
		return "on base only: this change mends it, and what is there with it is told whole"
	}
	return ""
}
