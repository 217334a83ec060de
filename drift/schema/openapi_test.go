package schema

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/internal/golden"
)

// TestFromOpenAPI reads documents as API servers publish them: testdata has one
// file for each sort of server, with what is understood of it.
func TestFromOpenAPI(t *testing.T) {
	t.Parallel()
	golden.Archives(t, "want.txt", func(t *testing.T, archive *txtar.Archive) string {
		t.Helper()
		set, err := FromOpenAPI(archive.Files[0].Data)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, gvk := range set.Kinds() {
			fmt.Fprintf(&b, "%s %s native=%t\n", gvk.GroupVersion(), gvk.Kind, set.Native(gvk.GroupKind()))
			print(&b, "  ", set.kinds[gvk], 0)
		}
		return b.String()
	})
}

// print writes a type as text; metadata, which is the same everywhere, is left
// out.
func print(b *strings.Builder, indent string, t *Type, depth int) {
	if t == nil || depth > 8 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(t.Fields)) {
		if f := t.Fields[name]; depth > 0 || name != "metadata" && name != "apiVersion" && name != "kind" {
			fmt.Fprintf(b, "%s%s %s\n", indent, name, word(f))
			print(b, indent+"  ", f, depth+1)
		}
	}
	if t.Elem != nil && t.Elem.Known() {
		fmt.Fprintf(b, "%s* %s\n", indent, word(t.Elem))
		print(b, indent+"  ", t.Elem, depth+1)
	}
}

func word(t *Type) string {
	text := string(t.Scalar)
	switch {
	case t.List != "":
		text += strings.TrimSpace("list " + string(t.List) + " " + strings.Join(t.Keys, ","))
	case t.Elem != nil:
		text += "map"
	case t.Fields != nil:
		text += "object"
	}
	if t.Whole {
		text += " whole"
	}
	if t.Open {
		text += " open"
	}
	if t.Default != nil {
		text += fmt.Sprintf(" = %#v", t.Default)
	}
	return strings.TrimSpace(text)
}

func TestFromOpenAPIRefusesWhatIsNoDocument(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "<html>", `{"components": [1]}`, `{"components":{"schemas":{"a":{"properties":7}}}}`, strings.Repeat("[", 20_000)} {
		if set, err := FromOpenAPI([]byte(text)); err == nil || !strings.Contains(err.Error(), "OpenAPI document of") {
			t.Errorf("%.30q gives %v, %v", text, set, err)
		}
	}
	if set, err := FromOpenAPI([]byte(`{}`)); err != nil || len(set.Kinds()) != 0 {
		t.Errorf("an empty one gives %v, %v", set.Kinds(), err)
	}
}

// TestChainsAreBounded: a definition may refer to another and so on, for as
// long as the document is large.
func TestChainsAreBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`{"components":{"schemas":{"a.ObjectMeta":{"type":"object"},"x":{"properties":{"metadata":{"$ref":"#/components/schemas/a.ObjectMeta"},"d0":{"$ref":"#/components/schemas/d0"}},"x-kubernetes-group-version-kind":[{"group":"g","version":"v1","kind":"X"}]}`)
	const length = 100_000
	for i := range length {
		fmt.Fprintf(&b, `,"d%d":{"properties":{"d":{"$ref":"#/components/schemas/d%d"}}}`, i, i+1)
	}
	b.WriteString("}}}")
	set, err := FromOpenAPI([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	depth, at := 0, set.Kind(schema.GroupVersionKind{Group: "g", Version: "v1", Kind: "X"}).Field("d0")
	for ; at.Known() && depth < length; at = at.Field("d") {
		depth++
	}
	if depth < 50 || depth > maxChain {
		t.Errorf("the chain is known for %d definitions", depth)
	}
}

// FuzzFromOpenAPI: whatever a server sends, reading it ends, and what comes of
// it can be walked.
func FuzzFromOpenAPI(f *testing.F) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(filepath.Clean(name))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(data).Files {
			f.Add(file.Data)
		}
	}
	f.Add([]byte(`{"components":{"schemas":{"a":{"allOf":[null]},"b":{"$ref":"#/components/schemas/b","properties":{"metadata":{"$ref":"#/components/schemas/z.ObjectMeta"},"x":null,"y":{"type":"array"}},"x-kubernetes-group-version-kind":[{"kind":"B"}]}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := FromOpenAPI(data)
		if err != nil {
			return
		}
		seen := map[*Type]bool{}
		var walk func(*Type)
		walk = func(at *Type) {
			if at == nil || seen[at] {
				return
			}
			seen[at] = true
			if at.List == ListMap && len(at.Keys) == 0 {
				t.Error("a list-map without keys")
			}
			if at.Elem != nil && at.Fields != nil {
				t.Error("a list or a map with fields")
			}
			walk(at.Elem)
			for _, f := range at.Fields {
				walk(f)
			}
		}
		for _, gvk := range set.Kinds() {
			typ := set.Kind(gvk)
			walk(typ)
			typ.Prune(map[string]any{"spec": map[string]any{"a": []any{int64(1)}}, "metadata": map[string]any{}})
		}
	})
}
