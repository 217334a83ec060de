package comment

import (
	"strings"

	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/show"
)

// liveState tells what clusters say: in sum, then what somebody should act on,
// then the rest, folded. An item is told whole or not at all.
func liveState(w *writer, r preview.Report, h *hidden) {
	if r.Live == nil {
		return
	}
	var sums []string
	for _, c := range show.LiveClusters(r.Live) {
		sums = append(sums, "**"+markdown.Text(c.Names)+"** "+markdown.Text(c.Text))
	}
	if len(sums) == 0 {
		sums = append(sums, "No cluster was asked: nothing changes there.")
	}
	list(w, "\n#### Live state\n\n", "- ", sums, &h.clusters)
	var open, folded []string
	for _, item := range show.LiveItems(r.Live) {
		text := markdown.Code(item.Object) + " " + markdown.Text(item.Text) + " (" + markdown.Text(item.Where) + ")"
		for _, line := range item.Details {
			text += "\n  - " + markdown.Text(line)
		}
		if item.Verdict.Grave() || item.Verdict == preview.NotJudged {
			open = append(open, text)
		} else {
			folded = append(folded, text)
		}
	}
	if len(open) > 0 {
		list(w, "\n", "- ", open, &h.verdicts)
	}
	if len(folded) == 0 {
		return
	}
	head := "\n<details><summary>" + show.Count(len(folded), "other verdict", "other verdicts") + "</summary>\n\n"
	const tail = "\n</details>\n"
	body, left := &writer{limit: w.limit - w.b.Len() - len(head) - len(tail)}, 0
	list(body, "", "- ", folded, &left)
	if h.verdicts += left; left < len(folded) {
		w.add(head + strings.TrimPrefix(body.b.String(), "\n") + tail)
	}
}
