package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
)

func TestParse(t *testing.T) {
	t.Parallel()
	const a, b = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: ns}\n", "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"b\"}}\n"
	tests := map[string]struct {
		in   string
		want []string
	}{
		"nothing":                           {"", nil},
		"documents, some without content":   {"---\n" + a + "---\n# nothing\n---\n" + b + "---\n", []string{"ConfigMap ns/a", "Pod b"}},
		"an object on the separator's line": {"--- " + b, []string{"Pod b"}},
		"JSON values in a row":              {b + b, []string{"Pod b", "Pod b"}},
		"YAML that starts with a brace":     {"{apiVersion: v1, kind: Pod, metadata: {name: c}}", []string{"Pod c"}},
		"Windows line ends and a mark":      {"\xef\xbb\xbf" + strings.ReplaceAll(a+"---\n"+b, "\n", "\r\n"), []string{"ConfigMap ns/a", "Pod b"}},
		"a list":                            {"apiVersion: v1\nkind: List\nitems:\n- " + b, []string{"Pod b"}},
		"an empty list":                     {"apiVersion: v1\nkind: List\nitems: []\n", nil},
		"a list in a list":                  {"apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: List, items: [" + strings.TrimSpace(b) + "]}]", []string{"Pod b"}},
		"items that leave out their kind":   {"apiVersion: apps/v1\nkind: DeploymentList\nitems: [{metadata: {name: d}}]", []string{"apps/Deployment d"}},
		"a separator inside a text":         {a + "data:\n  x: |\n    --- no\n    y\n", []string{"ConfigMap ns/a"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects, err := Parse(strings.NewReader(tc.in), "in.yaml")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, u := range objects {
				got = append(got, object.KeyOf(u).String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseNamesFileAndLine(t *testing.T) {
	t.Parallel()
	const good = "apiVersion: v1\nkind: Pod\nmetadata: {name: b}\n"
	tests := map[string]struct{ in, want string }{
		"a broken first document":       {"kind: [\n", "in.yaml:1"},
		"a broken second document":      {good + "---\n" + "a: b\nkind: x: y\n", "in.yaml:6"},
		"a key given twice":             {good + "---\n" + "kind: a\nkind: b\n", "in.yaml:6"},
		"an object without a name":      {good + "---\n# who\nkind: Pod\n", "in.yaml:6"},
		"a text instead of an object":   {"hello\n", "in.yaml:1"},
		"a broken item of a list":       {"apiVersion: v1\nkind: List\nitems: [{}, 1]\n", "items[1]"},
		"both of two broken documents":  {"x\n---\ny\n", "in.yaml:3"},
		"JSON with an object too short": {`{"kind":"Pod"}`, "in.yaml:1"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(strings.NewReader(tc.in), "in.yaml")
			if err == nil || !strings.Contains(err.Error(), tc.want) || fault.Of(err) != fault.Invalid {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}
