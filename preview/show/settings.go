package show

import (
	"fmt"
	"slices"

	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/preview"
)

// Setting is what changes of applications themselves, told once for all of
// which the same does.
type Setting struct {
	// Apps have nothing in them that does not print.
	Apps []string
	// Was is the name before; empty where that stays.
	Was string
	// Blocks are the lines, apart for each field.
	Blocks [][]Line
}

// Lines are those of all fields.
func (s Setting) Lines() []Line { return slices.Concat(s.Blocks...) }

// Settings are the changes of applications themselves.
func Settings(r preview.Report) []Setting {
	at := map[string]int{}
	var out []Setting
	for _, app := range r.Apps {
		if len(app.Settings) == 0 && app.Action != preview.Rename {
			continue
		}
		s := Setting{Was: markdown.Visible(app.Was)}
		for _, f := range app.Settings {
			s.Blocks = append(s.Blocks, Field(f))
		}
		key := fmt.Sprintf("%q %v", s.Was, s.Blocks)
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, s)
		}
		if name := markdown.Visible(app.Name); !slices.Contains(out[i].Apps, name) {
			out[i].Apps = append(out[i].Apps, name)
		}
	}
	return out
}
