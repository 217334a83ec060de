package comment

import (
	"html"
	"regexp"
	"strings"

	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/preview/show"
)

// Past is an earlier head of the pull request.
type Past struct {
	Head, Verdict string
}

const (
	maxPast = 5
	// pastRoom bounds the bytes of the line that tells of earlier heads.
	pastRoom = 600
)

// past tells of earlier heads in a line, as far as there is room.
func past(all []Past) string {
	const before, after = "\n<sub>before: ", "</sub>\n"
	text := ""
	for i, p := range all {
		one := markdown.Code(show.Commit(p.Head)) + " " + markdown.Text(p.Verdict)
		if text != "" {
			one = " · " + one
		}
		if i == maxPast || len(text)+len(one) > pastRoom {
			break
		}
		text += one
	}
	if text == "" {
		return ""
	}
	return before + text + after
}

// WithPast adds the earlier heads to a comment that Write did not write: a
// Placeholder, or one that Failed.
func WithPast(body string, all []Past) string { return body + past(all) }

// What the foot of a comment consists of, without elements.
var (
	elements  = regexp.MustCompile(`</?(?:sub|code)>`)
	heading   = regexp.MustCompile(`^### Preview: (.*)$`)
	ownHead   = regexp.MustCompile(`^(?:base [0-9a-f]+ · )?head ([0-9a-f]+)(?: · |$)`)
	pastHeads = regexp.MustCompile(`^before: (.*)$`)
	pastHead  = regexp.MustCompile(`^([0-9a-f]+) (.*)$`)
)

// PastOf reads the heads that a comment of ours tells of, so that the next one
// can be told of these: its own first, where it has a verdict. next is the head
// to come, which is left out. The comment may have been read in the form for
// forges that show no HTML. It is found by our account, and still only text.
func PastOf(body, next string) []Past {
	var own, verdict, line string
	for text := range strings.Lines(body) {
		text = elements.ReplaceAllString(strings.TrimRight(text, "\r\n"), "")
		if m := heading.FindStringSubmatch(text); m != nil && verdict == "" {
			verdict = m[1]
		}
		// The foot is the last that there is: what is above may look like it.
		if m := ownHead.FindStringSubmatch(text); m != nil {
			own = m[1]
		}
		if m := pastHeads.FindStringSubmatch(text); m != nil {
			line = m[1]
		}
	}
	var out []Past
	add := func(head, verdict string) {
		if !strings.HasPrefix(next, head) && len(out) < maxPast {
			out = append(out, Past{head, html.UnescapeString(verdict)})
		}
	}
	if own != "" && verdict != "" {
		add(own, verdict)
	}
	for part := range strings.SplitSeq(line, " · ") {
		if m := pastHead.FindStringSubmatch(part); m != nil && m[1] != own {
			add(m[1], m[2])
		}
	}
	return out
}
