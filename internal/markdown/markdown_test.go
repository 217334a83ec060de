package markdown_test

import (
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/internal/markdown"
)

func TestText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain text":              "plain text",
		"a|b":                     "a&#124;b",
		"@everyone":               "&#64;everyone",
		"[x](javascript:y)":       "&#91;x&#93;&#40;javascript:y&#41;",
		"https://example.com":     "https&#58;//example.com",
		"a\nb\x1b[2J":             `a&#92;nb&#92;x1b&#91;2J`,
		"\u202egnp.exe":           `&#92;u202egnp.exe`,
		"\xff":                    "\uFFFD",
		"<img src=x onerror=y>&a": "&#60;img src=x onerror=y&#62;&#38;a",
	} {
		if got := markdown.Text(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
	if got := markdown.Code(""); got != "-" {
		t.Errorf("nothing is %q", got)
	}
}

func TestFence(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "```", "a`b": "```", "```": "````", "x ``````y": "```````"} {
		if got := markdown.Fence(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

// FuzzText holds that nothing is left of what Markdown acts on.
func FuzzText(f *testing.F) {
	f.Add("a|b\r\n`c` <d> @e [f](g) \x00\u202e\xff &#124;")
	f.Fuzz(func(t *testing.T, text string) {
		got := markdown.Text(text)
		if strings.ContainsAny(got, "<>\"'`|\\*_~!@[]()$\n\r\x00\x1b\u202e\u2028") || strings.Contains(got, "://") {
			t.Errorf("%q became %q", text, got)
		}
	})
}
