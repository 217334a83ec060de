package mask

import (
	"strings"
	"testing"
)

func TestPair(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		a, b any
		same bool
	}{
		"equal values":                 {"aHVudGVyMg==", "aHVudGVyMg==", true},
		"base64 broken into lines":     {"aHVudG\nVyMg==\n", "aHVudGVyMg==", true},
		"different values":             {"aHVudGVyMg==", "eHh4", false},
		"values that are no base64":    {"hunter2!", "hunter3!", false},
		"numbers, which are malformed": {int64(1), int64(2), false},
		"a value and an empty one":     {"aHVudGVyMg==", "", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := Masker{}.Pair(tc.a, tc.b)
			if (a == b) != tc.same {
				t.Errorf("marks %v and %v, want equal %v", a, b, tc.same)
			}
			if s, ok := tc.a.(string); ok && strings.Contains(a.(string), s) {
				t.Errorf("the mark %v shows the value", a)
			}
		})
	}
}

// TestDifferentValuesNeverLookEqual: not where they are many, and not where
// two whose marks begin alike are told beside each other.
func TestDifferentValuesNeverLookEqual(t *testing.T) {
	t.Parallel()
	const report = 5000
	pairs, seen := 0, map[any]int64{}
	for i := range int64(1 << 18) {
		mark, _ := Masker{}.Pair(i, nil)
		other, alike := seen[mark]
		seen[mark] = i
		if !alike {
			continue
		}
		if i < report {
			t.Errorf("%d and %d of one report are both %v", other, i, mark)
		}
		pairs++
		if a, b := (Masker{}).Pair(i, other); a == b {
			t.Errorf("%d and %d are both %v", i, other, a)
		}
	}
	if pairs == 0 {
		t.Error("no two marks begin alike: try more values")
	}
}

func TestMarksDependOnTheKey(t *testing.T) {
	t.Parallel()
	a, none := Masker{}.Pair("x", nil)
	if b, _ := (Masker{Key: []byte("k")}).Pair("x", nil); a == b || none != nil {
		t.Errorf("%v with and %v without a key; nothing is %v", b, a, none)
	}
	nested, _ := Masker{}.Pair(map[string]any{"p": "hunter2!"}, nil)
	if m, ok := nested.(map[string]any); !ok || strings.Contains(m["p"].(string), "hunter") {
		t.Errorf("a map is masked as %v", nested)
	}
}
