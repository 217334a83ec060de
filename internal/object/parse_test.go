package object_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/object"
)

func TestParsePath(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text string
		want object.Path
	}{
		{"", nil},
		{"spec.replicas", object.Path{{Field: "spec"}, {Field: "replicas"}}},
		{`metadata.labels["app.kubernetes.io/name"]`, object.Path{{Field: "metadata"}, {Field: "labels"}, {Field: "app.kubernetes.io/name"}}},
		{"spec.rules[3].host", object.Path{{Field: "spec"}, {Field: "rules"}, {Index: new(3)}, {Field: "host"}}},
		{`spec.ports[port=80,protocol=TCP,name="a,b"].x`, object.Path{
			{Field: "spec"}, {Field: "ports"}, {Keys: []object.KeyValue{{Name: "port", Value: float64(80)}, {Name: "protocol", Value: "TCP"}, {Name: "name", Value: "a,b"}}}, {Field: "x"},
		}},
	} {
		got, err := object.ParsePath(tc.text)
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", tc.text, err, diff)
		}
	}
	for _, broken := range []string{".a", "a.", "a..b", "a[", "a[x]", "a[=1]", "a[x=1", `a["x]`, `a["x"`, "a[1]b", "a[-1]"} {
		if got, err := object.ParsePath(broken); err == nil {
			t.Errorf("%s was read as %+v", broken, got)
		}
	}
}

// FuzzParsePath: what was read prints as what it was read from, or reads the
// same again.
func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{"spec.replicas", `a["b.c"][0][k=1,l="x"].d`, "a[x=true]", "[\"\"].x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path, err := object.ParsePath(text)
		if err != nil {
			return
		}
		again, err := object.ParsePath(path.String())
		if err != nil {
			t.Fatalf("%q prints as %q, which cannot be read: %v", text, path, err)
		}
		if again.String() != path.String() {
			t.Fatalf("%q prints as %q, and then as %q", text, path, again)
		}
	})
}
