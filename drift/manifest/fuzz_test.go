package manifest

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/json"
	sigsyaml "sigs.k8s.io/yaml"

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
		"- 1\n- -1\n- 0x1F\n- 0o17\n- 017\n- 1_000\n- 1.0\n- -0.0\n- 1e3\n- 1e21\n- 1.5e300\n- 9223372036854775807\n- 9223372036854775808\n- 18446744073709551616\n- .5\n",
		"- 2001-01-01\n- !!timestamp 2001-01-01T00:00:00Z\n- !!binary /w==\n- !!str 1\n- !!float 1\n- !!int \"1\"\n- 190:20:30\n- ~\n- \"\\u00e9\\x41\"\n- <>&\n",
		"1.5: a\n.inf: b\n-.inf: c\n.nan: d\n9223372036854775808: e\n~: f\n", "? [a]\n: b\n", "!!binary /w==: a\n", "a: {<<: {b: 1}}\n", "a: 1\na: 2\n", "- .nan\n", "1: a\n\"1\": a\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if text, bad := plain(bytes.Clone(data)); bad == 0 {
			for _, doc := range split(text) {
				scannedAsParsed(t, doc)
				readAsJSON(t, doc)
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

// readAsJSON checks that a document is read as by kubectl, which makes JSON of
// it.
func readAsJSON(t *testing.T, doc document) {
	t.Helper()
	if doc.json || bound(doc.text) != nil {
		return
	}
	var want any
	text, failed := sigsyaml.YAMLToJSONStrict(doc.text)
	if failed == nil {
		failed = json.Unmarshal(text, &want)
	}
	got, err := doc.value()
	if (err == nil) != (failed == nil) {
		t.Fatalf("got error %v, by way of JSON %v", err, failed)
	}
	if failed == nil && !reflect.DeepEqual(want, got) { // cmp takes minutes for some
		t.Errorf("by way of JSON it is %.1000v, got %.1000v", want, got)
	}
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
