package show_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/show"
)

func numbered(n int, change map[int]string) string {
	var b strings.Builder
	for i := range n {
		text, ok := change[i]
		if !ok {
			text = fmt.Sprintf("line %d\n", i)
		}
		b.WriteString(text)
	}
	return b.String()
}

// TestLongValues: whatever the length of a value, the lines show what differs.
func TestLongValues(t *testing.T) {
	t.Parallel()
	pad := strings.Repeat("x", 450)
	around := strings.Repeat("x", 60)
	repeated := strings.Repeat("same\n", 3000)
	for name, tc := range map[string]struct{ before, after, want string }{
		"a line that differs at its end": {
			pad + "info", pad + "debug", "-p: …" + around + "info\n+p: …" + around + "debug\n",
		},
		"a line that differs in the middle": {
			pad + "a" + pad, pad + "b" + pad, "-p: …" + around + "a" + around + "…\n+p: …" + around + "b" + around + "…\n",
		},
		"a long line of a text": {
			"a\n" + pad + "1\n", "a\n" + pad + "2\n", "@p\n a\n-…" + around + "1\n+…" + around + "2\n",
		},
		"one of many lines": {
			numbered(5000, nil), numbered(5000, map[int]string{600: "changed\n"}),
			"@p\n line 597\n line 598\n line 599\n-line 600\n+changed\n line 601\n line 602\n line 603\n",
		},
		"some of many lines": {
			numbered(5000, nil), numbered(5000, map[int]string{0: "", 2500: "line 2500\nmore\n", 4999: "end\n"}),
			"@p\n-line 0\n line 1\n line 2\n line 3\n@p, further down\n line 2498\n line 2499\n line 2500\n+more\n line 2501\n line 2502\n line 2503\n" +
				"@p, further down\n line 4996\n line 4997\n line 4998\n-line 4999\n+end\n",
		},
		"many equal lines": {
			"a\n" + repeated + "b\n" + repeated, "c\n" + repeated + "b\n" + repeated + "d\n",
			"@p\n-a\n+c\n same\n same\n same\n@p, further down\n same\n same\n same\n+d\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got strings.Builder
			for _, l := range show.Field(preview.Field{Path: "p", Before: tc.before, After: tc.after}) {
				got.WriteString(string(l.Sign) + l.Text + "\n")
			}
			if diff := cmp.Diff(tc.want, got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestLongTexts: texts that have nothing in common take no time either.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	var a, b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&a, "a %d\n", i%7)
		fmt.Fprintf(&b, "b %d\n", i)
	}
	began := time.Now()
	if n := len(show.Field(preview.Field{Path: "p", Before: a.String(), After: b.String()})); n != 200_001 {
		t.Errorf("%d lines", n)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}
