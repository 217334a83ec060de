package show

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/preview"
)

// Line is one line of a diff.
type Line struct {
	// Sign is '+', '-', ' ' for what stays, '@' for a heading.
	Sign byte
	// Text has no line ends, and nothing in it that does not print.
	Text string
}

const (
	// context is the number of lines shown around what changes in a text.
	context = 3
	// maxLine bounds a line, in characters.
	maxLine = 400
)

// Lines tells what happens to an object: its manifest where it comes or goes,
// else each field that changes, and of texts the lines.
func Lines(o preview.Object) []Line { return slices.Concat(Blocks(o)...) }

// Blocks are the lines apart for each field: what goes in one is no earlier
// form of what comes in another.
func Blocks(o preview.Object) [][]Line {
	var out [][]Line
	switch o.Action {
	case preview.Create:
		return [][]Line{document('+', "", o.Manifest)}
	case preview.Delete:
		return [][]Line{document('-', "", o.Manifest)}
	case preview.Rename:
		out = append(out, []Line{line('-', "metadata.name: "+o.Was), line('+', "metadata.name: "+o.Name)})
	case preview.Unknown:
		return [][]Line{document(' ', "", o.Manifest)}
	case preview.Update, preview.Same:
	}
	for _, f := range o.Fields {
		out = append(out, Field(f))
	}
	return out
}

// Field tells one value that changes.
func Field(f preview.Field) []Line {
	before, isText := f.Before.(string)
	after, areTexts := f.After.(string)
	if isText && areTexts && strings.Contains(before+after, "\n") {
		return texts(f.Path, before, after)
	}
	if isText && areTexts && max(len(before), len(after)) > maxLine {
		return changed(f.Path+": ", []string{scalar(before)}, []string{scalar(after)})
	}
	var out []Line
	if f.Before != nil {
		out = append(out, value('-', f.Path, f.Before)...)
	}
	if f.After != nil {
		out = append(out, value('+', f.Path, f.After)...)
	}
	return out
}

// value is one value in as many lines as it takes.
func value(sign byte, path string, v any) []Line {
	switch v := v.(type) {
	case map[string]any:
		if len(v) > 0 {
			return document(sign, path, v)
		}
	case []any:
		if len(v) > 0 {
			return document(sign, path, v)
		}
	case string:
		if strings.Contains(v, "\n") {
			out := []Line{line(sign, path+": |")}
			for text := range strings.SplitSeq(strings.TrimSuffix(v, "\n"), "\n") {
				out = append(out, line(sign, "  "+text))
			}
			return out
		}
	}
	return []Line{line(sign, path+": "+scalar(v))}
}

// scalar quotes a text only where it would read as something else.
func scalar(v any) string {
	text, ok := v.(string)
	if ok && text != "" && strings.TrimSpace(text) == text {
		var other any
		if json.Unmarshal([]byte(text), &other) != nil {
			return text
		}
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}

// document is a whole value as YAML, below its path where it has one.
func document(sign byte, path string, v any) []Line {
	data, err := yaml.Marshal(v)
	if err != nil {
		return []Line{line(sign, path+": "+scalar(v))}
	}
	var out []Line
	indent := ""
	if path != "" {
		out, indent = append(out, line(sign, path+":")), "  "
	}
	for text := range strings.SplitSeq(strings.TrimSuffix(string(data), "\n"), "\n") {
		out = append(out, line(sign, indent+text))
	}
	return out
}

// linesOf are the lines of a text. One whose last line has no end has a line
// that says so.
func linesOf(text string) []string {
	rest, ended := strings.CutSuffix(text, "\n")
	lines := strings.Split(rest, "\n")
	if !ended {
		lines = append(lines, "(no line end)")
	}
	return lines
}

// line cuts what is too long to be read.
func line(sign byte, text string) Line {
	text = markdown.Visible(strings.ReplaceAll(text, "\t", "    "))
	if len(text) > maxLine {
		if runes := []rune(text); len(runes) > maxLine {
			text = string(runes[:maxLine]) + fmt.Sprintf("… (%d characters)", len(runes))
		}
	}
	return Line{sign, text}
}
