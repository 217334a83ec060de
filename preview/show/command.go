package show

import (
	"strings"

	"github.com/trueup-dev/trueup/internal/markdown"
)

// Command writes words as a POSIX shell takes them, whatever is in them. False
// is that one holds what does not print: it could not be copied as it is.
func Command(words []string) (string, bool) {
	quoted := make([]string, 0, len(words))
	for _, word := range words {
		if markdown.Visible(word) != word {
			return "", false
		}
		if word == "" || strings.ContainsFunc(word, special) {
			word = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		quoted = append(quoted, word)
	}
	return strings.Join(quoted, " "), true
}

// special are characters that some shell may act on.
func special(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_./:@,+", r)
}
