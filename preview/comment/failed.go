package comment

import (
	"strings"

	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/preview/show"
)

// Failed is the comment where there is no report. Where leads to more; empty,
// or what is no plain http or https URL, is left out.
func Failed(instance, head string, err error, where string) string {
	const most = 1_000
	text, rest, cut := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	if more := strings.Count(rest, "\n") + 1; cut {
		text += " (" + show.Count(more, "more line is", "more lines are") + " not shown)"
	}
	out := Marker(instance) + "\n### Preview: it failed\n\n" + "The preview could not be made: " + markdown.Text(text) + "\n\n---\n<sub>head " + markdown.Code(show.Commit(head))
	if link(where) {
		out += " · [details](" + where + ")"
	}
	return out + "</sub>\n"
}

// link tells what can be the target of a link as it is.
func link(url string) bool {
	return (strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://")) && !strings.ContainsFunc(url, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("()<>[]\"'`\\|", r)
	})
}
