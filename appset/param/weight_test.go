package param_test

import (
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/internal/fault"
)

// TestWeight: it is never less than what Flat makes of a set.
func TestWeight(t *testing.T) {
	t.Parallel()
	for _, document := range []string{
		"{}", "{a: 1, b: [x, y, {c: true}], d: {e: {f: long text}}}", "{a: null, b: [], c: {}}", "{a: [[[[1, 2], 3]]]}",
	} {
		value, _, err := param.V12.YAML([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		set := value.(map[string]any)
		flat := 0
		for key, text := range param.Flat(set) {
			flat += len(key) + len(text)
		}
		if got := param.Weight(set); got < flat {
			t.Errorf("%s weighs %d, and is %d bytes when flat", document, got, flat)
		}
	}
}

// TestBombs: small documents that grow without end when they are written out.
func TestBombs(t *testing.T) {
	t.Parallel()
	nested := func(levels int, key string) string {
		return strings.Repeat("{\"a\": 1, \""+key+"\": ", levels) + "1" + strings.Repeat("}", levels)
	}
	var aliases strings.Builder
	aliases.WriteString("a0: &a0 [" + strings.Repeat("text-of-some-length,", 30) + "]\n")
	for i := range 3 {
		n := string(rune('0' + i))
		m := string(rune('1' + i))
		aliases.WriteString("a" + m + ": &a" + m + " {" + strings.Repeat("k", 900) + ": [" + strings.Repeat("*a"+n+",", 20) + "]}\n")
	}
	for name, document := range map[string]string{"names": nested(1000, strings.Repeat("k", 900)), "aliases": aliases.String()} {
		if _, _, err := param.V11.YAML([]byte(document)); fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), "takes more than") {
			t.Errorf("%s of %d bytes: %v", name, len(document), err)
		}
	}
	if _, err := param.JSON([]byte(nested(1000, strings.Repeat("k", 900)))); fault.Of(err) != fault.Invalid {
		t.Errorf("JSON: %v", err)
	}
}
