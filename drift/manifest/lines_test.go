package manifest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestItemLines compares what is scanned with what parsing tells. scanned
// pins which lists are not parsed a second time.
func TestItemLines(t *testing.T) {
	t.Parallel()
	const a, b = "{apiVersion: v1, kind: A, metadata: {name: a}}", `{"apiVersion": "v1", "kind": "B", "metadata": {"name": "b", "x": "[{\"items\": ["}}`
	for _, tc := range []struct {
		reason, in string
		json       bool
		want       []int
		scanned    bool
	}{
		{"dashes at the margin", "kind: List\nitems:\n- " + a + "\n- " + a + "\n", false, []int{3, 4}, true},
		{"indented, with comments and space", "items: # these\n\n  # one\n  - kind: A\n    x:\n    - y\n    - z\n\n  - " + a + "\nkind: List\n", false, []int{4, 9}, true},
		{"a text that looks like items", "kind: List\nitems:\n- kind: A\n  text: |\n    items:\n    - a\n- " + a + "\n", false, []int{3, 7}, true},
		{"keys after the list", "items:\n- " + a + "\nkind: List\nmore:\n- b\n", false, []int{2}, true},
		{"Windows line ends", "kind: List\r\nitems:\r\n- " + a + "\r\n", false, []int{3}, true},
		{"a dash alone", "kind: List\nitems:\n-\n  kind: A\n- kind: B\n", false, []int{4, 5}, false},
		{"an anchor", "kind: List\nitems:\n- &a " + a + "\n- *a\n", false, []int{3, 4}, false},
		{"one line", "kind: List\nitems: [" + a + ", " + a + "]\n", false, []int{2, 2}, false},
		{"a list in a list", "kind: List\nitems:\n- kind: List\n  items: [" + a + ", " + a + "]\n", false, []int{4, 4}, false},
		{"JSON", "{\n\"kind\": \"List\",\n\"items\": [\n" + b + ",\n\n" + b + "\n],\n\"items2\": [1]}", true, []int{4, 6}, true},
		{"JSON with a list elsewhere", "{\"a\": [[1, 2], {\"items\": [3]}], \"b\": {\"items\": [4]},\n\"kind\": \"List\", \"items\": [" + b + ", " + b + "]}", true, []int{2, 2}, true},
		{"JSON with an escaped key", "{\"kind\": \"List\",\n\"\\u0069tems\": [" + b + "]}", true, []int{2}, false},
	} {
		doc := document{line: 1, text: []byte(tc.in), json: tc.json}
		if diff := cmp.Diff(tc.want, doc.itemLines(len(tc.want), false)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
		if diff := cmp.Diff(tc.want, doc.parsedLines()); diff != "" {
			t.Errorf("%s, parsed (-want +got):\n%s", tc.reason, diff)
		}
		scan := blockItems
		if tc.json {
			scan = jsonItems
		}
		if got := len(scan([]byte(tc.in))) == len(tc.want); got != tc.scanned {
			t.Errorf("%s: scanned is %v", tc.reason, got)
		}
	}
}
