package github

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFit(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"short": "a\nb", "just right": strings.Repeat("x", maxSummary), "lines": strings.Repeat("line of text\n", 10_000),
		"one line": strings.Repeat("ä", 60_000), "bytes, not characters": strings.Repeat("äöü\n", 12_000),
	} {
		got := fit(text)
		if len(got) > maxSummary || !utf8.ValidString(got) || len(text) <= maxSummary && got != text || len(text) > maxSummary && !strings.HasSuffix(got, "The rest has no room here.\n") {
			t.Errorf("%s: %d bytes of %d, ends in %q", name, len(got), len(text), got[max(0, len(got)-40):])
		}
	}
}
