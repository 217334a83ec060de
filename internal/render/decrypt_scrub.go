package render

import (
	"encoding/base64"
	"slices"
	"strings"
)

// scrubber takes decrypted values out of what people read. Engines quote what
// they could not understand, and know nothing of secrets.
type scrubber struct{ replacer *strings.Replacer }

// minScrubbed is the length from which a value is told from ordinary words. A
// shorter one is no secret that holds.
const minScrubbed = 4

func newScrubber(values []string) scrubber {
	var forms []string
	add := func(text string) {
		if len(text) >= minScrubbed {
			forms = append(forms, text)
		}
	}
	for _, v := range values {
		add(v)
		add(strings.TrimSpace(v))
		for line := range strings.Lines(v) {
			add(strings.TrimSpace(line))
		}
		add(base64.StdEncoding.EncodeToString([]byte(v)))
		if len(v) > 10 { // the YAML library quotes seven bytes of what is longer
			add(v[:7] + "...")
		}
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) }) // a value may hold another
	pairs := make([]string, 0, 2*len(forms))
	for _, f := range slices.Compact(forms) {
		pairs = append(pairs, f, "******")
	}
	return scrubber{strings.NewReplacer(pairs...)}
}

func (s scrubber) text(t string) string { return s.replacer.Replace(t) }

// err keeps the kind of an error, and what it wraps.
func (s scrubber) err(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if clean := s.text(text); clean != text {
		return &scrubbed{text: clean, err: err}
	}
	return err
}

type scrubbed struct {
	text string
	err  error
}

func (s *scrubbed) Error() string { return s.text }
func (s *scrubbed) Unwrap() error { return s.err }
