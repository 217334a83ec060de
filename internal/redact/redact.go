package redact

import (
	"encoding/base64"
	"slices"
	"strings"
)

// Redactor puts marks in place of values. Whoever quotes what he could not
// understand knows nothing of secrets.
type Redactor struct{ replacer *strings.Replacer }

// Mark stands for a value.
const Mark = "******"

// shortest is the length from which a value is told from ordinary words. A
// shorter one is no secret that holds.
const shortest = 4

// Values makes a Redactor of these values, their lines, what base64 makes of
// them, and their beginnings as the YAML library quotes them.
func Values(values []string) Redactor {
	var forms []string
	add := func(text string) {
		if len(text) >= shortest {
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
		pairs = append(pairs, f, Mark)
	}
	return Redactor{strings.NewReplacer(pairs...)}
}

// Text is a text without the values.
func (r Redactor) Text(t string) string { return r.replacer.Replace(t) }

// Err is an error without the values. It keeps its kind, and what it wraps.
func (r Redactor) Err(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if clean := r.Text(text); clean != text {
		return &redacted{text: clean, err: err}
	}
	return err
}

type redacted struct {
	text string
	err  error
}

func (r *redacted) Error() string { return r.text }
func (r *redacted) Unwrap() error { return r.err }
