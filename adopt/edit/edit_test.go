package edit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/trueup-dev/trueup/adopt/edit"
	"github.com/trueup-dev/trueup/adopt/value"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/object"
)

// script is read from a file change: lines "object GROUP/KIND NAME [LINE]",
// "set PATH JSON", "remove PATH" and "drop" for the whole object.
func script(t *testing.T, text string) (at edit.Target, changes []edit.Change, drop bool) {
	t.Helper()
	for line := range strings.Lines(text) {
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch verb {
		case "object":
			parts := strings.Fields(rest)
			at.Key.Group, at.Key.Kind, _ = strings.Cut(parts[0], "/")
			at.Key.Name = parts[1]
			if len(parts) > 2 {
				at.Line, _ = strconv.Atoi(parts[2])
			}
		case "drop":
			drop = true
		case "set", "remove":
			where, value, _ := strings.Cut(rest, " ")
			path, err := object.ParsePath(where)
			if err != nil {
				t.Fatal(err)
			}
			c := edit.Change{Path: path, Remove: verb == "remove"}
			if !c.Remove {
				if err := json.Unmarshal([]byte(value), &c.Value); err != nil {
					t.Fatalf("%s: %v", line, err)
				}
			}
			changes = append(changes, c)
		}
	}
	return at, changes, drop
}

func TestApply(t *testing.T) {
	t.Parallel()
	golden.Archives(t, "after", func(t *testing.T, a *txtar.Archive) string {
		files := map[string][]byte{}
		for _, f := range a.Files {
			files[f.Name] = f.Data
		}
		at, changes, drop := script(t, string(files["change"]))
		before := bytes.Clone(files["before"])
		out, err := edit.Apply(before, at, changes...)
		if drop {
			out, err = edit.RemoveObject(before, at)
		}
		if !bytes.Equal(before, files["before"]) {
			t.Error("the input was changed in place")
		}
		if err != nil {
			return fmt.Sprintf("refused: %v\n", err)
		}
		return string(out)
	})
}

// TestForms: what txtar cannot show.
func TestForms(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ before, change, after string }{
		"line ends of another system stay": {
			"a: 1\r\nb:\r\n  - x\r\n", `set b ["x","y"]`, "a: 1\r\nb:\r\n  - x\r\n  - \"y\"\r\n"},
		"so does a byte order mark":              {"\ufeffa: 1\n", "set a 2", "\ufeffa: 2\n"},
		"a file without an end of its last line": {"a: 1", "set b 2", "a: 1\nb: 2"},
		"characters of several bytes":            {"ä: {ö: ü, x: 1}\n", "set ä.x 2", "ä: {ö: ü, x: 2}\n"},
		"tabs in JSON":                           {"{\n\t\"a\": 1\n}\n", "set a 2", "{\n\t\"a\": 2\n}\n"},
		"the other line ends of YAML":            {"a: 'x\u2028y'\nb: 1\n", "set b 2", "a: 'x\u2028y'\nb: 2\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, changes, _ := script(t, tc.change)
			got, err := edit.Apply([]byte(tc.before), at, changes...)
			if err != nil || string(got) != tc.after {
				t.Errorf("got %q, %v, want %q", got, err, tc.after)
			}
		})
	}
}

// FuzzApply: a change is made as it was meant, or not at all.
func FuzzApply(f *testing.F) {
	for _, seed := range []struct{ data, path, value string }{
		{"a: 1 # one\nb:\n- name: x\n  y: |\n    text\n", "b[name=x].y", `"more\nlines\n"`},
		{"a: {b: [1, 2, 3]}\n", "a.b[1]", `{"x": [null]}`},
		{"a: &x {b: 1}\nc: *x\nd: {<<: *x}\n", "d.b", "2"},
		{"{\"a\": {\"b\": []}}", "a.b[0]", `"x"`},
		{"- - a\n  - b\n- 'it''s'\n", "[0][1]", "true"},
		{"a:\n  # comment\n\n  b: >-\n    folded\n    text\nc:\n", "c.d", "{}"},
		{"? complex\n: value\n", "complex", "1"},
		{"a: plain\n  over lines\nb: \"double\\\n  lines\"\n", "a", "null"},
		{"labels:\n  a: b\n", "labels.a", ""},
	} {
		f.Add([]byte(seed.data), seed.path, seed.value)
	}
	f.Fuzz(func(t *testing.T, data []byte, where, text string) {
		path, err := object.ParsePath(where)
		if err != nil || len(data) > 4096 {
			return
		}
		c := edit.Change{Path: path, Remove: text == ""}
		if !c.Remove && json.Unmarshal([]byte(text), &c.Value) != nil {
			return
		}
		before, err := edit.Value(data)
		if err != nil {
			return
		}
		out, err := edit.Apply(data, edit.Target{}, c)
		if err != nil {
			return
		}
		after, err := edit.Value(out)
		if err != nil {
			t.Fatalf("%q does not parse after the change: %v", out, err)
		}
		want, err := value.With(before, c)
		if err != nil {
			t.Fatalf("the change was made, and cannot be: %v", err)
		}
		a, _ := json.Marshal(after)
		b, _ := json.Marshal(want)
		if !bytes.Equal(a, b) {
			t.Errorf("%q became %q: %s, want %s", data, out, a, b)
		}
	})
}
