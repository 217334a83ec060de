package output

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/markdown"
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
	for _, section := range slices.Concat(r.table(), r.details(), r.fights(), r.notes()) {
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
	if n := r.countFights(); n > 0 {
		fmt.Fprintf(b, ", **%s**", plural(n, "fight"))
	}
	b.WriteString("\n")
	if text := r.Summary(); text != "" {
		b.WriteString("\n" + markdown.Text(text) + "\n")
	}
}

// notes say what comparisons could not tell.
func (r Report) notes() []string {
	var out []string
	for _, app := range r.Applications {
		if app.Note != "" {
			out = append(out, "\n"+markdown.Text(app.Note)+"\n")
		}
	}
	return out
}

// table has one part for its head, and one for each row.
func (r Report) table() []string {
	var out []string
	for _, app := range r.Applications {
		var what string
		switch {
		case app.Problem != "" && app.Drifted() && app.Drift != nil:
			what = app.Extent() + "; not compared in part: " + markdown.Text(Value(app.Problem))
		case app.Problem != "":
			what = "not compared: " + markdown.Text(Value(app.Problem))
		case app.Drift != nil && app.Drifted():
			what = app.Extent()
		default:
			continue
		}
		since, by := "-", "-"
		if d := app.Drift; d != nil && app.Drifted() {
			if d.Since != nil {
				since = d.Since.UTC().Format("2006-01-02 15:04")
			}
			if len(d.By) > 0 {
				by = markdown.Text(strings.Join(d.By, ", "))
			}
		}
		out = append(out, fmt.Sprintf("| %s | %s | %s | %s | %s |\n", markdown.Code(app.Name), markdown.Code(app.Cluster), what, since, by))
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
			title = "\n#### " + markdown.Text(g.Names()) + "\n"
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
	fmt.Fprintf(&b, "\n**%s**", markdown.Text(o.Key().Short()))
	if o.Origin != "" {
		b.WriteString(" " + markdown.Code(o.Origin))
	}
	if text := fate(o); text != "" {
		b.WriteString(" " + text)
	}
	if by := blamed(o.Declared); by != "" {
		b.WriteString("; " + markdown.Text(by))
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
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", markdown.Code(f.Path), markdown.Code(desired(f))+origins(f), markdown.Code(live(f)), markdown.Text(class), markdown.Text(hand(f)))
	}
	return b.String()
}

// origins is a second line for a cell: who declared the value.
func origins(f drift.Field) string {
	if by := blamed(f.Declared); by != "" {
		return "<br>" + markdown.Text(by)
	}
	return ""
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
