package fault

import (
	"strings"
	"testing"
)

func TestPanicTellsThePlaceAndNoValues(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(){
		"assignment to entry in nil map": func() { var m map[string]string; m["k"] = "secret" },
		"index out of range [3]":         func() { _ = []string{"secret"}[len("abc")] },
		"a panic":                        func() { panic("secret") },
	} {
		text := ""
		func() {
			defer func() { text = Panic("comparing it", recover()) }()
			f()
		}()
		if !strings.HasPrefix(text, "comparing it failed: "+name) || !strings.Contains(text, "in fault.TestPanic") || strings.Contains(text, "secret") {
			t.Errorf("%s: %s", name, text)
		}
	}
}
