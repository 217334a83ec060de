package manifest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/fault"
)

const head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

// bomb is a text whose aliases stand for 10 to the power of levels values.
func bomb(levels int, leaf string) string {
	b := strings.Builder{}
	b.WriteString(head + "data:\n  a0: &a0 " + leaf + "\n")
	for i := 1; i <= levels; i++ {
		fmt.Fprintf(&b, "  a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	return b.String()
}

// TestHostileInputIsRefusedAtOnce: each of these takes far less than a second
// to refuse, and is told what is wrong with it.
func TestHostileInputIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	deepFlow := func(n int) string { return head + "data: " + strings.Repeat("[", n) + strings.Repeat("]", n) + "\n" }
	for _, tc := range []struct{ reason, in, want string }{
		{"aliases that stand for a billion values in less than 1 KB", bomb(9, "x"), "more than 1000000 values"},
		{"aliases of a long text", bomb(4, strings.Repeat("x", 5000)), "stand for more than 16 MiB"},
		{"few aliases of a text that is very long", head + "data:\n  a: &a " + strings.Repeat("x", 1<<20) + "\n  b: [" + strings.Repeat("*a,", 60) + "]\n", "stand for more than 16 MiB"},
		{"merged maps that grow", head + "data:\n  a: &a {x: &l " + bombList(8) + "}\n  b:\n    <<: *a\n", "more than 1000000 values"},
		{"an alias inside of its own value", head + "data: &a [*a]\n", "part of"},
		{"lists in lists in lists", deepFlow(5_000), "nested deeper than 200"},
		{"lists that are deeper than YAML libraries go", deepFlow(100_000), "depth"},
		{"maps in maps by indentation", head + "data:\n" + nested(300), "nested deeper than 200"},
		{"JSON in JSON in JSON", `{"kind":"A","a":` + strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000) + "}", "nested deeper than 200"},
		{"more values than any object has", head + "data: [" + strings.Repeat("a,", 1_100_000) + "]\n", "more than 1000000 values"},
		{"a million documents that are broken", strings.Repeat("---\na\n", 1_000_000), "the rest was not looked at"},
		{"more documents than an application has objects", strings.Repeat("---\n{apiVersion: v1, kind: A, metadata: {name: a}}\n", 10_001), "more than 10000 documents"},
		{"a NUL byte", head + "data: {a: \"\x00\"}\n", "control characters"},
		{"text that is not UTF-8, with its line", head + "data: {a: \"\xff\"}\n", "in.yaml:4: it is not UTF-8"},
		{"JSON that is not UTF-8", "{\"apiVersion\":\"v1\",\"kind\":\"A\",\n\"metadata\":{\"name\":\"\xc3\x28\"}}", "in.yaml:2: it is not UTF-8"},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(strings.NewReader(tc.in), "in.yaml")
			if err == nil || !strings.Contains(err.Error(), "in.yaml") || fault.Of(err) != fault.Invalid {
				t.Fatalf("error %v", err)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %.300v, want %q", err, tc.want)
			}
			if n := len(err.Error()); n > 8<<10 {
				t.Errorf("the error has %d bytes", n)
			}
		})
	}
}

func bombList(levels int) string {
	if levels == 0 {
		return "[a,a,a,a,a,a,a,a,a,a]"
	}
	name := fmt.Sprintf("n%d", levels)
	return "[&" + name + " " + bombList(levels-1) + strings.Repeat(",*"+name, 9) + "]"
}

func nested(n int) string {
	b := strings.Builder{}
	for i := range n {
		b.WriteString(strings.Repeat(" ", i+1) + "a:\n")
	}
	return b.String()
}

// TestLargeInputIsRead: the limits are above what people have.
func TestLargeInputIsRead(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason, in string
		want       int
	}{
		{"a line of a megabyte", head + "data: {a: " + strings.Repeat("x", 1<<20) + "}\n", 1},
		{"a million separators without content", strings.Repeat("---\n", 1_000_000) + head, 1},
		{"a script of many lines", head + "data:\n  run: |\n" + strings.Repeat("    echo a & b * c\n", 60_000), 1},
		{"a list with ten thousand items", "apiVersion: v1\nkind: List\nitems:\n" + strings.Repeat("- "+`{"apiVersion":"v1","kind":"A","metadata":{"name":"a"}}`+"\n", 10_000), 10_000},
		{"anchors as people use them", head + "data:\n  a: &a {x: y}\n  b: *a\n  c:\n    <<: *a\n    z: t\n", 1},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			objects, err := Parse(strings.NewReader(tc.in), "in.yaml")
			if err != nil || len(objects) != tc.want {
				t.Errorf("%d objects, error %v", len(objects), err)
			}
		})
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason, in string
		want       []string
	}{
		{"documents, at their first content", "# a\n---\n# b\n\n" + head + "---\n" + head, []string{"a:5", "a:9"}},
		{"items of a list", "kind: List\napiVersion: v1\nitems:\n- apiVersion: v1\n  kind: A\n  metadata: {name: a}\n\n- kind: B\n  apiVersion: v1\n  metadata: {name: b}\n", []string{"a:4", "b:8"}},
		{"a list of one", "kind: List\napiVersion: v1\nitems:\n\n- apiVersion: v1\n  kind: A\n  metadata: {name: a}\n", []string{"a:5"}},
		{"a list in a list, after another document", head + "---\nkind: List\napiVersion: v1\nitems:\n- kind: BList\n  apiVersion: v1\n  items:\n  - metadata: {name: b}\n  - metadata: {name: c}\n", []string{"a:1", "b:11", "c:12"}},
		{"JSON", "\n{\"kind\": \"List\", \"apiVersion\": \"v1\", \"items\": [\n{\"apiVersion\":\"v1\",\"kind\":\"A\",\"metadata\":{\"name\":\"a\"}},\n\n{\"apiVersion\":\"v1\",\"kind\":\"A\",\"metadata\":{\"name\":\"b\"}}]}\n\n{\"apiVersion\":\"v1\",\"kind\":\"A\",\"metadata\":{\"name\":\"c\"}}", []string{"a:3", "b:5", "c:7"}},
		{"an item that is an alias, at the alias", "kind: List\napiVersion: v1\nx: &a {apiVersion: v1, kind: A, metadata: {name: a}}\nitems:\n- *a\n", []string{"a:5"}},
		{"a document after an end mark", head + "...\n" + head, []string{"a:1", "a:5"}},
		{"a directive", "%YAML 1.1\n---\n" + head, []string{"a:3"}},
	} {
		items, err := Locate(strings.NewReader(tc.in), "in.yaml")
		if err != nil {
			t.Errorf("%s: %v", tc.reason, err)
			continue
		}
		var got []string
		for _, i := range items {
			got = append(got, fmt.Sprintf("%s:%d", i.Object.GetName(), i.Line))
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

// TestScalars pins how values are read: as Kubernetes reads them.
func TestScalars(t *testing.T) {
	t.Parallel()
	utf16 := "\xff\xfe"
	for _, c := range head + "v: ü" {
		utf16 += string([]byte{byte(c), byte(c >> 8)})
	}
	for _, tc := range []struct {
		reason, in string
		want       any
	}{
		{"a boolean of YAML 1.1", head + "v: yes", true},
		{"a boolean of YAML 1.1", head + "v: off", false},
		{"a quoted word stays one", head + "v: 'yes'", "yes"},
		{"an octal number of YAML 1.1", head + "v: 0755", int64(493)},
		{"the largest whole number is exact", head + "v: 9223372036854775807", int64(9223372036854775807)},
		{"one that floating point has not", head + "v: 9007199254740993", int64(9007199254740993)},
		{"the same in JSON", `{"apiVersion":"v1","kind":"A","metadata":{"name":"a"},"v":9007199254740993}`, int64(9007199254740993)},
		{"a date stays text", head + "v: 2026-11-25", "2026-11-25"},
		{"a version that looks like a number is one", head + "v: 1.10", 1.1},
		{"nothing", head + "v:", nil},
		{"an emoji in JSON, as two escapes", `{"apiVersion":"v1","kind":"A","metadata":{"name":"a"},"v":"\ud83d\ude00"}`, "😀"},
		{"a file of an editor that writes UTF-16", utf16, "ü"},
	} {
		objects, err := Parse(strings.NewReader(tc.in), "in.yaml")
		if err != nil || len(objects) != 1 {
			t.Errorf("%s: %d objects, %v", tc.reason, len(objects), err)
			continue
		}
		if diff := cmp.Diff(tc.want, objects[0].Object["v"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

func TestUnlike(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason, in string
		want       bool
	}{
		{"values of a chart", "image: {tag: v1}\nreplicas: 3\n", true},
		{"not even YAML", "{{ if .x }}\na: [\n", true},
		{"a kind without the rest", "kind: Pod\n", false},
		{"an object beside something else", head + "---\na: b\n", false},
		{"a list with a broken item", "kind: List\napiVersion: v1\nitems: [{a: b}]\n", false},
		{"something over a limit", bomb(9, "x"), false},
	} {
		_, err := Parse(strings.NewReader(tc.in), "in.yaml")
		if err == nil || Unlike(err) != tc.want || fault.Of(err) != fault.Invalid {
			t.Errorf("%s: unlike is %t: %v", tc.reason, Unlike(err), err)
		}
	}
}

// TestValuesOfAliasesAreNotTold: a password that is not quoted may begin with *.
func TestValuesOfAliasesAreNotTold(t *testing.T) {
	t.Parallel()
	_, err := Parse(strings.NewReader(head+"stringData: {PW: *hunter2}\n"), "in.yaml")
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "in.yaml:") {
		t.Errorf("error %v", err)
	}
}
