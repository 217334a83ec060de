package comment

import (
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
	var open, rest []string
	for _, item := range show.LiveItems(r.Live) {
		text := markdown.Code(item.Object) + " " + markdown.Text(item.Text) + " (" + markdown.Text(item.Where) + ")"
		for _, line := range item.Details {
			text += "\n  - " + markdown.Text(line)
		}
		if item.Verdict.Grave() || item.Verdict == preview.NotJudged {
			open = append(open, text)
		} else {
			rest = append(rest, text)
		}
	}
	if len(open) > 0 {
		list(w, "\n", "- ", open, &h.verdicts)
	}
	folded(w, show.Count(len(rest), "other verdict", "other verdicts"), rest, &h.verdicts)
}
