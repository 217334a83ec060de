package kustomize

import (
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
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := bounded([]byte(tc.text))
		runtime.ReadMemStats(&after)
		switch {
		case tc.says == "" && err != nil, tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)):
			t.Errorf("%s: got %v, want %q", tc.reason, err, tc.says)
		case after.TotalAlloc-before.TotalAlloc > 1<<30:
			t.Errorf("%s: looking at it took %d MiB", tc.reason, (after.TotalAlloc-before.TotalAlloc)>>20)
		}
	}
}

func keys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}
