package kustomize

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestBounded measures what the process allocates, and so runs beside nothing.
func TestBounded(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for _, c := range "123456789" {
		bomb += "a" + string(c) + ": &a" + string(c) + " [" + strings.Repeat("*a"+string(c-1)+", ", 9) + "x]\n"
	}
	long := "s: &s " + strings.Repeat("x", 1<<19) + "\nl: [" + strings.Repeat("*s, ", 1000) + "x]\n"
	for _, tc := range []struct{ reason, text, says string }{
		{"a manifest", "kind: A\nspec: {a: [1, 2]}\n", ""},
		{"anchors as people use them", "a: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}\n", ""},
		{"a script is no YAML", "a && b *\n\t[ -f x ] || {\n", ""},
		{"aliases that unfold to a billion", bomb, "unfold"},
		{"aliases of a long text", long, "unfold"},
		{"many documents that unfold to too much together", strings.Repeat("s: &s "+strings.Repeat("x", 1<<19)+"\nl: ["+strings.Repeat("*s, ", 40)+"x]\n---\n", 4), "unfold"},
		{"an alias in what it names", "a: &a [*a]\n", "a part of"},
		{"brackets without end", "a: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "deep"},
		{"lists in lists on a line", strings.Repeat("- ", 5000) + "a\n", "deep"},
		{"keys below keys", keys(2000), "deep"},
		{"many keys in each of many maps", strings.Repeat("- {a: 1, b: 2}\n", 100_000), ""},
		{"keys without end in one map", "a:\n" + many("  k%d: 1\n", 21_000), "keys"},
		{"keys without end in one line", "a: {" + many("k%d, ", 21_000) + "z}\n", "keys"},
		{"more values than can be held", "a: [" + strings.Repeat("1,", 1_000_000) + "1]\n", "values"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := bounded([]byte(tc.text), nodes([]byte(tc.text)))
		runtime.ReadMemStats(&after)
		switch {
		case tc.says == "" && err != nil, tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)):
			t.Errorf("%s: got %v, want %q", tc.reason, err, tc.says)
		case after.TotalAlloc-before.TotalAlloc > 1<<30:
			t.Errorf("%s: looking at it took %d MiB", tc.reason, (after.TotalAlloc-before.TotalAlloc)>>20)
		}
	}
}

// TestNodes holds the estimate against what YAML really has: never less than
// half, since a key of a flow map needs no value of its own.
func TestNodes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason, text string
		want         int
	}{
		{"a map", "a: b\nc: d\n", 4},
		{"a list in a map", "x:\n- a: b\n- 1\n", 7},
		{"lists in lists", "- - - 1\n", 4},
		{"a list in a line", "[1, 2, 3, {a: b}]", 7},
		{"JSON without blanks", `{"a":1,"b":[1,2],"c":{"d":"e"}}`, 11},
		{"a time and an address in text are one", "at: 10:20:30 http://example.com:80/x-y?z\n", 2},
		{"a long text", "text: |\n  one line\n  another, with a comma\n", 5},
		{"empty lines", "\n\n  \n\na:\n", 2},
	} {
		if got := nodes([]byte(tc.text)); got != tc.want {
			t.Errorf("%s: got %d, want %d", tc.reason, got, tc.want)
		}
	}
}

func many(line string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, line, i)
	}
	return b.String()
}

func keys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}
