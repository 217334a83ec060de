package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/comment"
	"github.com/trueup-dev/trueup/preview/page"
	"github.com/trueup-dev/trueup/preview/risk"
)

// strange is text that a terminal, Markdown or a page would act on.
const strange = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\n\u202e\u200b\x00```\n</details><script>x()</script><img src=x>[a](javascript:b) @all #1 !1 https://evil.example |a| {{.}} $(id)"

// strangeReport has a text of strangers wherever a change can put one: names,
// paths, values, errors, what policies say.
func strangeReport(text string) preview.Report {
	fields := []preview.Field{{Path: text, Before: text, After: "a\n" + text + "\nb"}, {Path: "spec.x", Before: map[string]any{text: text}, After: []any{text}}}
	objects := []preview.Object{
		{Group: text, Kind: text, Namespace: text, Name: text, Was: text, Action: preview.Rename, Origin: text, Fields: fields},
		{Kind: "ConfigMap", Name: text, Action: preview.Create, Origin: text, Manifest: map[string]any{"data": map[string]any{text: text}}},
		{Kind: "ConfigMap", Name: "gone", Action: preview.Delete, Manifest: map[string]any{"kind": text}},
	}
	finding := func(s risk.Severity) risk.Finding {
		return risk.Finding{Rule: "policy-deny", Severity: s, Application: text, Cluster: text, Object: text, Message: text}
	}
	return preview.Report{
		Base: text, Head: text, Merge: text, Total: 3, Rendered: 3,
		Apps: []preview.App{
			{Namespace: text, Name: text, Cluster: text, Action: preview.Rename, Was: text, Origin: text, Settings: fields, Objects: objects},
			{Name: text + "2", Action: preview.Same, Problem: &preview.Problem{Message: text, Before: true}, Origin: text},
		},
		Sections: []preview.Section{{Change: "1", Targets: []preview.Target{{Application: text, Cluster: text}, {Application: text + "2", Cluster: text + "2"}}, Objects: objects}},
		Risks:    []risk.Finding{finding(risk.Critical), finding(risk.Warning), finding(risk.Notice)}, Standing: []risk.Finding{finding(risk.Critical)},
		Problems: []preview.Problem{{Message: text}}, Warnings: []string{text},
	}
}

// outputs are all that people see of a report, by the name of the form.
func outputs(t testing.TB, r preview.Report, title string) map[string]string {
	t.Helper()
	var terminal, problems, html bytes.Buffer
	if err := printPreview(streams{out: &terminal, err: &problems}, r, true); err != nil {
		t.Fatal(err)
	}
	_ = verdict(r, risk.Critical, streams{err: &problems}) // the exit code is another test's
	if err := page.Write(&html, r, title); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"text": terminal.String() + problems.String(), "html": html.String(),
		"markdown": comment.Write(r, comment.Options{Instance: "x", Alerts: true, Command: []string{"trueup", "preview", "--repo", title, "--head", title}, Verbs: []string{title}}),
	}
}

// acts finds what a form would act on: what a report without strangers' text
// has less of.
func acts(form, text string) map[string]int {
	marks := []string{"\x1b", "\x07", "\x9b", "\r", "\x00", "\u202e", "\u200b", "\u0085"}
	switch form {
	case "html":
		marks = append(marks, "<script", "<img", "</details>", "<a ", "href", "src=\"")
	case "markdown":
		marks = append(marks, "<script", "<img", "](", "@all", "https://", "</details>")
	}
	out := map[string]int{}
	for _, mark := range marks {
		out[mark] = strings.Count(text, mark)
	}
	return out
}

// TestStrangeTexts: text of a pull request does nothing wherever it is shown.
func TestStrangeTexts(t *testing.T) {
	t.Parallel()
	plain := outputs(t, strangeReport("plain"), "plain")
	for form, text := range outputs(t, strangeReport(strange), strange) {
		held(t, form, plain[form], text)
	}
}

func held(t testing.TB, form, plain, text string) {
	t.Helper()
	// In the code of a diff Markdown acts on nothing but the fence's end.
	if form == "markdown" {
		plain, text = outsideFences(t, plain), outsideFences(t, text)
	}
	was := acts(form, plain)
	for mark, n := range acts(form, text) {
		if n > was[mark] {
			i := strings.Index(text, mark)
			t.Errorf("%s: %q is there %d times, and %d without strangers: %q", form, mark, n, was[mark], text[max(0, i-60):min(len(text), i+60)])
		}
	}
}

// outsideFences is Markdown without its blocks of code, each of which must
// end.
func outsideFences(t testing.TB, text string) string {
	t.Helper()
	var out strings.Builder
	fence := ""
	for line := range strings.Lines(text) {
		ticks := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		switch {
		case fence == "" && len(ticks) >= 3:
			fence = ticks
		case fence != "" && len(ticks) >= len(fence) && strings.TrimSpace(line[len(ticks):]) == "":
			fence = ""
		case fence == "":
			out.WriteString(line)
		default:
			for _, mark := range []string{"\x1b", "\r", "\x00", "\u202e"} {
				if strings.Contains(line, mark) {
					t.Errorf("%q in the code %q", mark, line)
				}
			}
		}
	}
	if fence != "" {
		t.Error("a block of code does not end")
	}
	return out.String()
}

// FuzzStrangeTexts holds the same of any text.
func FuzzStrangeTexts(f *testing.F) {
	f.Add(strange)
	f.Add("````\n~~~\n<!-- trueup:preview v1 instance=x -->")
	f.Add("\xff\xfe{\"a\":1}\u2028")
	f.Fuzz(func(t *testing.T, text string) {
		for form, shown := range outputs(t, strangeReport(text), "title") {
			if form == "markdown" {
				shown = outsideFences(t, shown)
			}
			for _, mark := range []string{"\x1b", "\x00", "\r", "\u202e"} {
				if strings.Contains(shown, mark) {
					t.Errorf("%s shows %q of %q", form, mark, text)
				}
			}
			if n := strings.Count(shown, "<!-- trueup:"); n > 1 && form != "text" {
				t.Errorf("%s has %d markers", form, n)
			}
		}
	})
}
