package manifest

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/internal/fault"
)

// FuzzLocate feeds hostile files: what is read is whole and has a line in the
// file, what is not is an error with the file's name.
func FuzzLocate(f *testing.F) {
	for _, seed := range []string{
		"", head, "---\n" + head + "...\n---\n", "%YAML 1.1\n---\n" + head, bomb(3, "x"), bomb(9, "x"),
		"{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{\"apiVersion\":\"v1\",\"kind\":\"A\",\"metadata\":{\"name\":\"a\"}}]}\n{}",
		"kind: List\napiVersion: v1\nitems:\n- {apiVersion: v1, kind: A, metadata: {name: a}}\n- apiVersion: v1\n  kind: A\n  metadata: {name: a}\n",
		"kind: List\napiVersion: v1\nitems: [*a, &a {<<: *a}]\n", "a: &a [*a]", "\xff\xfe-\x00", "\xfe\xff", "- &a b\n- *a\n",
		"kind: AList\napiVersion: v1\nitems:\n- &x {metadata: {name: b}}\n- *x\n", "? {a: b}\n: c\n", "v: !!binary aGk=\n", "v: .inf\n", "1: 2\ntrue: 3\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if text, bad := plain(bytes.Clone(data)); bad == 0 {
			for _, doc := range split(text) {
				scannedAsParsed(t, doc)
			}
		}
		lines := 1 + bytes.Count(data, []byte("\n"))
		items, err := Locate(bytes.NewReader(data), "in.yaml")
		if err != nil {
			if !strings.Contains(err.Error(), "in.yaml") || fault.Of(err) != fault.Invalid || items != nil {
				t.Errorf("%d items, error %v", len(items), err)
			}
			return
		}
		for _, item := range items {
			u := item.Object
			if u.GetKind() == "" || u.GetAPIVersion() == "" || u.GetName() == "" && u.GetGenerateName() == "" {
				t.Errorf("an object of which something is missing: %v", u.Object)
			}
			if item.Line < 1 || item.Line > lines {
				t.Errorf("line %d of %d", item.Line, lines)
			}
			u.DeepCopy() // panics where a value is of a kind that objects do not hold
		}
	})
}

// scannedAsParsed checks that a scan for the lines of items finds what parsing
// tells, where it finds as many.
func scannedAsParsed(t *testing.T, doc document) {
	t.Helper()
	value, _, err := doc.decode()
	if err != nil {
		return
	}
	objects, err := flatten(value, "")
	if err != nil || len(objects) == 0 || !listed(value, objects) {
		return
	}
	parsed, scanned := doc.parsedLines(), doc.itemLines(len(objects), mayNest(value))
	if len(parsed) == len(objects) && !slices.Equal(parsed, scanned) {
		t.Errorf("parsed %v, scanned %v", parsed, scanned)
	}
}
