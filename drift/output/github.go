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
			annotate(&b, annotation{level: "warning", title: app.Name + ": not compared"}, app.Problem)
		}
		if app.Note != "" {
			annotate(&b, annotation{level: "notice", title: title}, app.Note)
		}
		for _, o := range app.Objects {
			if text := fateOf(o); text != "" {
				at := annotation{level: severity(o.State), title: title}
				at.file, at.line = spot(o, o.Declared)
				annotate(&b, at, o.Key().Short()+": "+text)
			}
			for _, f := range o.Fields {
				at := annotation{level: command(f.Class), title: title}
				at.file, at.line = spot(o, f.Declared)
				annotate(&b, at, sentence(o, f))
			}
		}
		for _, f := range app.fights() {
			at := annotation{level: "warning", title: app.Name + ": fight"}
			at.file, at.line = spot(f.object, f.declared())
			annotate(&b, at, f.text)
		}
		if app.Unlisted > 0 {
			annotate(&b, annotation{level: "warning", title: title}, fmt.Sprintf("%d more differences are not listed in the status", app.Unlisted))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func severity(state drift.State) string {
	switch state {
	case drift.Orphaned:
		return "notice"
	case drift.Unknown:
		return "warning"
	default:
		return "error"
	}
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

// annotation is how a text is shown, and where.
type annotation struct {
	level, title, file string
	line               int
}

func annotate(b *strings.Builder, a annotation, text string) {
	b.WriteString("::" + a.level + " ")
	if a.file != "" {
		b.WriteString("file=" + property(a.file) + ",")
		if a.line > 0 {
			fmt.Fprintf(b, "line=%d,", a.line)
		}
	}
	b.WriteString("title=" + property(a.title) + "::" + data(text) + "\n")
}

// data and property escape as GitHub's runner reads it.
func data(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

func property(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(text)
}
