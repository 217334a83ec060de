package post

import (
	"regexp"
	"strings"
)

// Body is a comment as a forge can show it. Where HTML is shown as text, the
// marker becomes a definition of a link that nobody uses, which is hidden, too,
// and so does each hidden line of ours (Hidden);
// a folded part becomes a heading, and what is in fences stays as it is.
func Body(text string, t Traits) string {
	if t.HTML {
		return text
	}
	first, rest, _ := strings.Cut(text, "\n")
	var b strings.Builder
	if name, ok := markerName(first); ok {
		b.WriteString(plainMarker(name) + "\n\n")
	} else {
		rest = text
	}
	fence := ""
	for line := range strings.Lines(rest) {
		bare := strings.TrimRight(line, "\n")
		run := len(bare) - len(strings.TrimLeft(bare, "`"))
		switch {
		case fence != "":
			if bare == fence {
				fence = ""
			}
		case run >= 3:
			fence = bare[:run]
		default:
			if name, ok := markerName(bare); ok {
				line = plainMarker(name) + "\n"
			}
			line = plainLine(line)
		}
		b.WriteString(line)
	}
	return b.String()
}

var (
	summary = regexp.MustCompile(`<details><summary>(.*?)</summary>`)
	element = regexp.MustCompile(`</?(?:details|sub|summary|code)>`)
)

// plainLine takes our own elements out of a line. What users wrote holds none:
// it is made of entities, which stay, so that it cannot become markup here
// either.
func plainLine(line string) string {
	return element.ReplaceAllString(summary.ReplaceAllString(line, "**$1**"), "")
}

const (
	htmlBefore, htmlAfter   = "<!-- ", " -->"
	plainBefore, plainAfter = "[//]: # (", ")"
	hiddenPrefix            = "trueup:"
)

// Hidden is a line of a comment that nobody sees: for what we want to know when
// we read it again. It must have an empty line before it, and the name may hold
// letters, digits, spaces, and any of . _ = -.
func Hidden(name string) string { return htmlBefore + hiddenPrefix + name + htmlAfter }

// Lookup finds the hidden line of a name's first word in a comment of ours, in
// either form, and gives what comes after that word.
func Lookup(body, word string) (string, bool) {
	fence := ""
	for line := range strings.Lines(body) {
		bare := strings.TrimRight(line, "\r\n")
		if run := len(bare) - len(strings.TrimLeft(bare, "`")); run >= 3 {
			switch {
			case fence == "":
				fence = bare[:run]
			case bare == fence:
				fence = ""
			}
			continue
		}
		name, ok := markerName(bare)
		if !ok || fence != "" {
			continue
		}
		if rest, ok := strings.CutPrefix(name, hiddenPrefix+word+" "); ok {
			return rest, true
		}
	}
	return "", false
}

func plainMarker(name string) string { return plainBefore + name + plainAfter }

// markerName is what the first line of one of our comments says, in either
// form.
func markerName(line string) (string, bool) {
	line = strings.TrimSpace(line)
	for _, form := range [][2]string{{htmlBefore, htmlAfter}, {plainBefore, plainAfter}} {
		name, before := strings.CutPrefix(line, form[0])
		name, after := strings.CutSuffix(name, form[1])
		if before && after && strings.HasPrefix(name, hiddenPrefix) {
			return name, true
		}
	}
	return "", false
}

// markerOf is the marker of a comment; empty is none.
func markerOf(body string) string {
	first, _, _ := strings.Cut(body, "\n")
	name, _ := markerName(first)
	return name
}
