package output

import (
	"fmt"
	"io"
	"strings"

	"github.com/trueup-dev/trueup/drift"
)

// GitHub writes one workflow command for each difference, and for each
// application that could not be compared.
func (r Report) GitHub(w io.Writer) error {
	var b strings.Builder
	for _, app := range r.Applications {
		title := "drift"
		if app.Name != "" {
			title = app.Name + ": drift"
		}
		if app.Problem != "" {
			annotate(&b, "warning", "", app.Name+": not compared", app.Problem)
		}
		for _, o := range app.Objects {
			if text := fate(o); text != "" {
				annotate(&b, "error", o.Origin, title, o.Key().Short()+": "+text)
			}
			for _, f := range o.Fields {
				annotate(&b, command(f.Class), o.Origin, title, sentence(o, f))
			}
		}
		if app.Unlisted > 0 {
			annotate(&b, "warning", "", title, fmt.Sprintf("%d more differences are not listed in the status", app.Unlisted))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func command(class drift.Class) string {
	switch class {
	case drift.Declared, drift.Removed:
		return "error"
	case drift.Undeclared:
		return "warning"
	case drift.Expected:
	}
	return "notice"
}

func annotate(b *strings.Builder, level, origin, title, text string) {
	b.WriteString("::" + level + " ")
	if file, line := place(origin); file != "" {
		b.WriteString("file=" + property(file) + ",")
		if line > 0 {
			fmt.Fprintf(b, "line=%d,", line)
		}
	}
	b.WriteString("title=" + property(title) + "::" + data(text) + "\n")
}

// data and property escape as GitHub's runner reads it.
func data(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

func property(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(text)
}
