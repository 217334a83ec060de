package content_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/appset/content"
	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/internal/fault"
)

type params = map[string]any

func TestObjects(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		data string
		want []map[string]any
		more bool
		err  string
	}{
		"an object":              {data: "a: x", want: []map[string]any{{"a": "x"}}},
		"a list":                 {data: "[{a: x}, {a: z}]", want: []map[string]any{{"a": "x"}, {"a": "z"}}},
		"an empty list":          {data: "[]"},
		"nothing":                {data: "", want: []map[string]any{nil}},
		"a comment":              {data: "# nothing here\n", want: []map[string]any{nil}},
		"a list with a hole":     {data: "[{a: x}, null]", want: []map[string]any{{"a": "x"}, nil}},
		"two documents":          {data: "a: x\n---\na: y\n", want: []map[string]any{{"a": "x"}}, more: true},
		"a text":                 {data: "# first\n---\njust words", err: "line 3: it holds a text, and must hold an object or a list of objects"},
		"a number":               {data: "17", err: "line 1: it holds a number"},
		"a list of texts":        {data: "[x]", err: "item 0 is a text, and must be an object"},
		"a list of lists":        {data: "[{}, [1]]", err: "item 1 is a list"},
		"a list with a boolean":  {data: "[true]", err: "item 0 is a boolean"},
		"what is no YAML at all": {data: "a: [", err: "yaml: "},
	} {
		got, more, err := content.Objects(param.V11, []byte(tc.data))
		if tc.err != "" {
			if fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%s: got %v, want %q", name, err, tc.err)
			}
			continue
		}
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil || more != tc.more {
			t.Errorf("%s: more %t, %v (-want +got):\n%s", name, more, err, diff)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	object := params{"path": "mine", "env": params{"name": "prod"}}
	parts := func(path, base string, segments ...string) params {
		return params{"path": path, "basename": base, "basenameNormalized": strings.ToLower(base), "segments": segments}
	}
	ofFile := func(p params, file string) params {
		p["filename"], p["filenameNormalized"] = file, strings.ToLower(file)
		return p
	}
	for name, tc := range map[string]struct{ want, got params }{
		"a folder":             {params{"path": parts("apps/Web", "Web", "apps", "Web")}, content.Folder(true, "apps/Web", "")},
		"a folder with prefix": {params{"p": params{"path": parts("a", "a", "a")}}, content.Folder(true, "a", "p")},
		"a flat folder": {
			params{"p.path": "apps/Web", "p.path.basename": "Web", "p.path.basenameNormalized": "web", "p.path[0]": "apps", "p.path[1]": "Web"},
			content.Folder(false, "apps/Web", "p"),
		},
		"a file": {
			params{"env": params{"name": "prod"}, "path": ofFile(parts("apps", "apps", "apps"), "C.yaml")},
			content.File(true, object, "apps/C.yaml", ""),
		},
		"a file with prefix keeps its own path": {
			params{"env": params{"name": "prod"}, "path": "mine", "p": params{"path": ofFile(parts("apps", "apps", "apps"), "c.yaml")}},
			content.File(true, object, "apps/c.yaml", "p"),
		},
		"a flat file at the root": {
			params{"env.name": "prod", "path": ".", "path.basename": ".", "path.basenameNormalized": "", "path[0]": ".", "path.filename": "c.yaml", "path.filenameNormalized": "c.yaml"},
			content.File(false, object, "c.yaml", ""),
		},
	} {
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff(params{"path": "mine", "env": params{"name": "prod"}}, object); diff != "" {
		t.Errorf("the object changed (-before +after):\n%s", diff)
	}
}

func TestElement(t *testing.T) {
	t.Parallel()
	got, err := content.Element(params{"name": "a", "values": params{"size": "s"}})
	if diff := cmp.Diff(params{"name": "a", "values.size": "s"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	_, err = content.Element(params{"n": 1, "on": true, "values": params{"m": 2}})
	for _, want := range []string{"n: it is no text", "on: it is no text", "values.m: it is no text"} {
		if fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err = content.Element(params{"values": "x"}); err == nil || !strings.Contains(err.Error(), "values: it must be a map of texts") {
		t.Errorf("got %v", err)
	}
}
