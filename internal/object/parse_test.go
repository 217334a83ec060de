package object

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePath(t *testing.T) {
	t.Parallel()
	containers := Path{}.Child("spec").Child("containers")
	tests := map[string]Path{
		"":                            nil,
		"spec.containers[name=web]":   containers.Item(KeyValue{"name", "web"}),
		"spec.containers[0].image":    containers.At(0).Child("image"),
		`spec.containers[name="a b"]`: containers.Item(KeyValue{"name", "a b"}),
		"spec.ports[containerPort=80,protocol=TCP]": Path{}.Child("spec").Child("ports").
			Item(KeyValue{"containerPort", int64(80)}, KeyValue{"protocol", "TCP"}),
		`metadata.labels["app.kubernetes.io/name"]`: Path{}.Child("metadata").Child("labels").Child("app.kubernetes.io/name"),
		`data[""]`: Path{}.Child("data").Child(""),
	}
	for text, want := range tests {
		got, err := ParsePath(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("ParsePath(%q): %v (-want +got):\n%s", text, err, diff)
		}
		if again := got.String(); again != text {
			t.Errorf("%q prints as %q", text, again)
		}
	}
	for _, text := range []string{".", "a.", "a..b", "a[", "a[b", "a[b]", "a[-1]", `a["b]`, "a[b=c", "a[b=c=d]", "a]", "a[x,y=z]"} {
		if path, err := ParsePath(text); err == nil {
			t.Errorf("ParsePath(%q) = %v, want an error", text, path)
		}
	}
}

// FuzzParsePath: what is read prints as something that reads the same.
func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{"spec.replicas", `a["b.c"][0].d[name=x,port=80]`, `[""]`, "a[b=1.5]", "a[b=true]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path, err := ParsePath(text)
		if err != nil {
			return
		}
		again, err := ParsePath(path.String())
		if err != nil || again.String() != path.String() {
			t.Errorf("%q prints as %q, which reads as %q, %v", text, path, again, err)
		}
	})
}
