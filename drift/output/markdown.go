package output

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
)

// maxMarkdown bounds a document in bytes: comments on forges take 65,536.
const maxMarkdown = 60_000

// Markdown writes a document for a comment or a job's summary: the verdict
// first, then a table of the applications, then what differs, each difference
// once for all applications that share it. What has no room is counted.
func (r Report) Markdown(w io.Writer) error {
	var b strings.Builder
	r.verdict(&b)
	hidden := 0
	for _, section := range append(r.table(), r.details()...) {
		const foot = 100
		if b.Len()+len(section) > maxMarkdown-foot {
			hidden++
			continue
		}
		b.WriteString(section)
	}
	if hidden > 0 {
		fmt.Fprintf(&b, "\n%d more parts have no room here: see the JSON report.\n", hidden)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r Report) verdict(b *strings.Builder) {
	drifted, unknown := 0, 0
	for _, app := range r.Applications {
		switch {
		case app.Drifted():
			drifted++
		case app.Problem != "":
			unknown++
		}
	}
	if len(r.Applications) == 1 && r.Applications[0].Name == "" {
		text := "nothing differs"
		if differ, unknown := r.Applications[0].count(); differ+unknown > 0 {
			text = fmt.Sprintf("%d objects differ", differ)
			if unknown > 0 {
				text += fmt.Sprintf(", **%d could not be compared**", unknown)
			}
		}
		fmt.Fprintf(b, "### Drift: %s\n", text)
		return
	}
	fmt.Fprintf(b, "### Drift: %d of %d applications", drifted, len(r.Applications))
	if unknown > 0 {
		fmt.Fprintf(b, ", **%d not compared**", unknown)
	}
	b.WriteString("\n")
	if text := r.Summary(); text != "" {
		b.WriteString("\n" + prose(text) + "\n")
	}
}

// table has one part for its head, and one for each row.
func (r Report) table() []string {
	var out []string
	for _, app := range r.Applications {
		var what string
		switch {
		case app.Problem != "" && app.Drifted() && app.Drift != nil:
			what = extent(app.Drift) + "; not compared in part: " + prose(Value(app.Problem))
		case app.Problem != "":
			what = "not compared: " + prose(Value(app.Problem))
		case app.Drift != nil && app.Drift.Objects > 0:
			what = extent(app.Drift)
		default:
			continue
		}
		since, by := "-", "-"
		if d := app.Drift; d != nil && app.Drifted() {
			if d.Since != nil {
				since = d.Since.UTC().Format("2006-01-02 15:04")
			}
			if len(d.By) > 0 {
				by = prose(strings.Join(d.By, ", "))
			}
		}
		out = append(out, fmt.Sprintf("| %s | %s | %s | %s | %s |\n", code(app.Name), code(app.Cluster), what, since, by))
	}
	if len(out) > 0 {
		out[0] = "\n| Application | Cluster | Drift | Since | By |\n|---|---|---|---|---|\n" + out[0]
	}
	return out
}

// count counts the objects that are listed as differing, and those that could
// not be compared.
func (a *Application) count() (differ, unknown int) {
	for _, o := range a.Objects {
		if o.State == drift.Unknown {
			unknown++
		} else {
			differ++
		}
	}
	return differ, unknown
}

func (r Report) details() []string {
	byName := map[string]*Application{}
	for i := range r.Applications {
		byName[r.Applications[i].Name] = &r.Applications[i]
	}
	var out []string
	for _, g := range r.Groups {
		app := byName[g.Applications[0]]
		title := ""
		if app.Name != "" {
			title = "\n#### " + prose(g.Names()) + "\n"
		}
		for _, o := range app.Objects {
			out = append(out, title+section(o))
			title = ""
		}
		if app.Unlisted > 0 {
			out = append(out, fmt.Sprintf("\n%d more differences are not listed in the status.\n", app.Unlisted))
		}
	}
	return out
}

func section(o drift.Object) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n**%s**", prose(o.Key().Short()))
	if o.Origin != "" {
		b.WriteString(" " + code(o.Origin))
	}
	if text := fate(o); text != "" {
		b.WriteString(" " + text)
	}
	if by := blamed(o.Declared); by != "" {
		b.WriteString("; " + prose(by))
	}
	b.WriteString("\n")
	if len(o.Fields) == 0 {
		return b.String()
	}
	b.WriteString("\n| Field | Git | Live | Class | By |\n|---|---|---|---|---|\n")
	for _, f := range o.Fields {
		class := string(f.Class)
		if f.Rule != "" {
			class += ": " + f.Rule
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", code(f.Path), code(desired(f))+origins(f), code(live(f)), prose(class), prose(hand(f)))
	}
	return b.String()
}

// origins is a second line for a cell: who declared the value.
func origins(f drift.Field) string {
	if by := blamed(f.Declared); by != "" {
		return "<br>" + prose(by)
	}
	return ""
}

// code shows text as it is. An element with entities, not backticks: inside a
// table no other form holds every value.
func code(text string) string {
	if text == "" {
		return "-"
	}
	return "<code>" + prose(text) + "</code>"
}

// prose makes Markdown show text as it is, what does not print as escapes.
func prose(text string) string {
	var b strings.Builder
	for _, r := range visible(text) {
		if strings.ContainsRune("&<>\"'`|\\*_~#!@[]()$\n\r", r) {
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	return strings.ReplaceAll(b.String(), "://", "&#58;//")
}

// extent reads "2 fields in 1 object".
func extent(d *v1alpha1.DriftSummary) string {
	return plural(d.Fields, "field") + " in " + plural(d.Objects, "object")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
