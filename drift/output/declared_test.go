package output_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/output"
)

func TestDeclared(t *testing.T) {
	t.Parallel()
	when := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ana := drift.Declaration{File: "apps/web.yaml", Line: 31, Precision: "line", Commit: "3f2a91c0000", Author: "Ana", Subject: "Scale web to 3", Time: &when}
	with := func(change func(*drift.Declaration)) *drift.Declaration { d := ana; change(&d); return &d }
	for _, tc := range []struct {
		reason string
		d      *drift.Declaration
		want   string
	}{
		{"nothing is known", nil, ""},
		{"a line", &ana, `declared in apps/web.yaml:31 by Ana (3f2a91c, 2026-03-01 "Scale web to 3")`},
		{"a line, and no commit", with(func(d *drift.Declaration) { d.Commit, d.Time = "", nil }), "declared in apps/web.yaml:31"},
		{"no more than the object", with(func(d *drift.Declaration) { d.Precision = "object" }),
			`described in apps/web.yaml:31, which Ana changed last (3f2a91c, 2026-03-01 "Scale web to 3")`},
		{"no more than the file, in another repository", with(func(d *drift.Declaration) {
			d.Precision, d.Line, d.Repository = "file", 0, "https://git.example.com/base.git"
		}),
			`described in apps/web.yaml of https://git.example.com/base.git, which Ana changed last (3f2a91c, 2026-03-01 "Scale web to 3")`},
		{"history that ends", with(func(d *drift.Declaration) { d.Commit, d.Author, d.Subject, d.Older = "", "", "", true }),
			"declared in apps/web.yaml:31, before 2026-03-01: older history is not known"},
		{"hostile words", with(func(d *drift.Declaration) {
			d.Author, d.Subject, d.File = "Eve\x1b[31m\n\u202eevil", "\"x\"\r\n::error::"+strings.Repeat("y", 100), "a\nb.yaml"
		}), `declared in a\nb.yaml:31 by Eve\x1b[31m\n\u202eevil (3f2a91c, 2026-03-01 "\"x\"\r\n::error::` + strings.Repeat("y", 57) + `…")`},
		{"nobody", with(func(d *drift.Declaration) { d.Author, d.Subject = "", "" }), "declared in apps/web.yaml:31 by somebody without a name (3f2a91c, 2026-03-01)"},
	} {
		if got := output.Declared(tc.d); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.reason, got, tc.want)
		}
	}
}

// TestOutputsTellWhoDeclaredIt: at the line of the value where that is known,
// and nobody's words break out of a format.
func TestOutputsTellWhoDeclaredIt(t *testing.T) {
	t.Parallel()
	app := application("eu-1", "4")
	at := metav1.NewTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	app.Status.Drift.Changes[0].DeclaredBy = &v1alpha1.DriftDeclaration{
		File: "apps/web.yaml", Line: 31, Precision: "line", Commit: "3f2a91c", Author: "<b>|Ana`\n", Subject: "::error::](x)", Time: &at,
	}
	report := output.New(output.FromStatus(app))
	for format, tc := range map[string]struct {
		write func(*bytes.Buffer) error
		want  []string
	}{
		"github": {func(b *bytes.Buffer) error { return report.GitHub(b) }, []string{"::error file=apps/web.yaml,line=31,", "; declared in apps/web.yaml:31 by <b>|Ana`\\n (3f2a91c, 2026-03-01 \"::error::](x)\")\n"}},
		"sarif":  {func(b *bytes.Buffer) error { return report.SARIF(b) }, []string{`"startLine": 31`, `declared in apps/web.yaml:31 by`, `::error::\\](x)`}},
		"markdown": {func(b *bytes.Buffer) error { return report.Markdown(b) },
			[]string{"<br>declared in apps/web.yaml:31 by &#60;b&#62;&#124;Ana&#96;&#92;n &#40;3f2a91c, 2026-03-01 &#34;::error::&#93;&#40;x&#41;&#34;&#41; |"}},
		"junit": {func(b *bytes.Buffer) error { return report.JUnit(b) }, []string{"declared in apps/web.yaml:31 by &lt;b&gt;|Ana`\\n"}},
	} {
		var b bytes.Buffer
		if err := tc.write(&b); err != nil {
			t.Fatal(err)
		}
		for _, want := range tc.want {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s lacks %s\n%s", format, want, b.String())
			}
		}
	}
}
