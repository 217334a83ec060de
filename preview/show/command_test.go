package show_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/preview/show"
)

func TestCommand(t *testing.T) {
	t.Parallel()
	for want, words := range map[string][]string{
		"trueup preview --head feature/x-1": {"trueup", "preview", "--head", "feature/x-1"},
		"a ''":                              {"a", ""},
		"'$(id)'":                           {"$(id)"},
		`''\'';id;'\'''`:                    {"';id;'"},
		"'é'":                               {"é"},
		"":                                  {"a", "b\nc"},
	} {
		if got, ok := show.Command(words); got != want || ok != (want != "") {
			t.Errorf("%q: got %s, %v", words, got, ok)
		}
	}
	if _, ok := show.Command([]string{"\u202e"}); ok {
		t.Error("what is not seen is written")
	}
}

// FuzzCommand holds that a shell takes the word for what it is.
func FuzzCommand(f *testing.F) {
	for _, word := range []string{"main", "$(touch x)", "`id`", "a'b\"c", "-n", "--", "!x", "~", "a\\", "x;y&z|w>v #u", "é*?["} {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		text, ok := show.Command([]string{"printf", "%s.", word})
		if !ok {
			return
		}
		out, err := exec.CommandContext(t.Context(), "sh", "-c", text).Output()
		if err != nil || strings.TrimSuffix(string(out), ".") != word {
			t.Errorf("%q is written %s, and gives %q, %v", word, text, out, err)
		}
	})
}
