package jq

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const document = `{"metadata":{"annotations":{"a/b":"1","c":"2"}},"spec":{"replicas":3,"list":["x","y","z"],
"containers":[{"name":"web","image":"w:1","env":[{"name":"DD_A","value":"1"},{"name":"B"}]},{"name":"side","image":"s:1","ports":[{"port":80}]}]},
"data":{"json":"{\"k\":1}"}}`

func input(t testing.TB, text string) *Input {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	return &Input{Object: object}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		`.spec.replicas`:                                                                       "spec/replicas",
		`.spec.nothing`:                                                                        "",
		`.spec.containers[].image`:                                                             "spec/containers/0/image spec/containers/1/image",
		`.spec.containers[]?.image?`:                                                           "spec/containers/0/image spec/containers/1/image",
		`.spec.initContainers[]?`:                                                              "",
		`.spec.containers[] | select(.name == "web")`:                                          "spec/containers/0",
		`.spec.containers[] | select(.name | test("^s")) | .image`:                             "spec/containers/1/image",
		`.spec.containers[].env[]? | select(.name | startswith("DD_"))`:                        "spec/containers/0/env/0",
		`.spec.containers[] | select(any(.env[]?; .name == "B")) | .image`:                     "spec/containers/0/image",
		`.spec.containers[] | select([.env[]? | .name] | index("B")) | .image`:                 "spec/containers/0/image",
		`.spec.containers[] | select(.ports? | length > 0)`:                                    "spec/containers/1",
		`.spec.list[1:]`:                                                                       "spec/list/1 spec/list/2",
		`.spec.list[-1]`:                                                                       "spec/list/2",
		`.spec.list[] | select(. == ("x", "z"))`:                                               "spec/list/0 spec/list/2",
		`.metadata.annotations["a/b"]`:                                                         "metadata/annotations/a/b",
		`.metadata.annotations | .[keys[] | select(startswith("a"))]`:                          "metadata/annotations/a/b",
		`.metadata.annotations, .spec.replicas`:                                                "metadata/annotations spec/replicas",
		`.. | .image?`:                                                                         "spec/containers/0/image spec/containers/1/image",
		`.spec | getpath(["containers", 0, "name"])`:                                           "spec/containers/0/name",
		`if .spec.replicas > 2 then .spec.replicas else empty end`:                             "spec/replicas",
		`.spec.containers[] | . as $c | select($c.name == "web") | .image`:                     "spec/containers/0/image",
		`.data.json | select(fromjson | .k == 1)`:                                              "data/json",
		`first(.spec.containers[])`:                                                            "spec/containers/0",
		`.spec.containers[] | select(.image | contains("w:")) | .image`:                        "spec/containers/0/image",
		`.spec.containers[] | select(.name | IN("web", "x"))`:                                  "spec/containers/0",
		`.spec.containers[] | select("\(.name)-\(.image)" == "web-w:1")`:                       "spec/containers/0",
		`.metadata.annotations | to_entries[] | select(.key == "c") | .value`:                  "!",
		`select((.metadata.annotations // {}) | has("a/b")) | .data`:                           "data",
		`select(.metadata.annotations.c == "1").spec.replicas`:                                 "",
		`.metadata?.annotations?["c"] as $v | if $v == "2" then .spec.replicas else null end`:  "spec/replicas",
		`.metadata?.annotations?["c"] as $v | if $v == "3" then .spec.replicas else empty end`: "",
		`.`:                "",
		`.spec.replicas[]`: "!",
		`.spec.containers[] | select(.name == "web" and .image != "x" or false) |.`: "spec/containers/0",
	} {
		e, err := Parse(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		paths, err := e.Paths(input(t, document))
		var got []string
		for _, p := range paths {
			got = append(got, join(p))
		}
		slices.Sort(got)
		text := strings.Join(got, " ")
		if err != nil {
			text = "!"
		}
		if diff := cmp.Diff(want, text); diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", expression, err, diff)
		}
	}
}

func join(path []any) string {
	var out []string
	for _, step := range path {
		out = append(out, fmt.Sprint(step))
	}
	return strings.Join(out, "/")
}

// TestRefused: what could take any time or memory, or looks beyond the object.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{
		``, `.a |`, `.a = 1`, `.a |= . + .`, `.a += "x"`, `.a * 1000000000`, `.a + .b`, `[limit(1000000000; repeat(1))]`, `range(1e9)`, `until(false; .)`,
		`while(true; .)`, `recurse(.)`, `reduce .[] as $x (0; . + $x)`, `foreach .[] as $x (0; .; .)`, `def f: f; f`, `label $out | break $out`, `[.[], .[]]`,
		`[[.]]`, `[..]`, `map(., .)`, `map(map(.))`, `. as $x | [$x]`, `{a: .}`, `{(.a): 1}`, `{$__loc__}`, `add`, `join(",")`, `flatten`, `combinations`, `gsub("a"; "b")`,
		`env`, `$ENV.HOME`, `input`, `inputs`, `debug`, `input_filename`, `import "a" as a; .`, `include "a"; .`, `modulemeta`, `now`, `halt`, `error`, `$__prog_args`,
		`setpath(["a"]; 1)`, `.[500000000] = 1`, `del(.a)`, `tojson | tojson | tojson | tojson | tojson`, `test(.a)`, `test("(a{500}){500}")`, `test("a{1000}")`, `test("(")`,
		`contains(.)`, `inside($x)`, `"\(.)\(.)\(.)\(.)\(.)"`, `@base64`, `@json "x\(.)"`, `walk(.)`, `getpath(["a"]) as [$x] | $x`, `ltrimstr(.)`,
		strings.Repeat(".a|", 300) + ".", strings.Repeat("(", 2000) + "." + strings.Repeat(")", 2000),
	} {
		if e, err := Parse(expression); err == nil {
			t.Errorf("%.60s: accepted as %v", expression, e)
		}
	}
}

// TestTimeIsBounded: an expression that walks a tree too often is cut off,
// and is not tried for ever.
func TestTimeIsBounded(t *testing.T) {
	t.Parallel()
	e, err := Parse(`.. | .. | .. | .. | .. | .. | .. | .. | select(. == "nothing")`)
	if err != nil {
		t.Fatal(err)
	}
	for range maxLate + 1 {
		if _, err := e.Paths(input(t, strings.Repeat(`{"a":`, 60)+`[1,2,3,4]`+strings.Repeat("}", 60))); !errors.Is(err, errLate) {
			t.Errorf("got %v", err)
		}
	}
	shared := input(t, strings.Repeat(`{"a":`, 60)+`[1,2,3,4]`+strings.Repeat("}", 60))
	for i := range 5 {
		e, err := Parse(fmt.Sprintf(`.. | .. | .. | .. | .. | .. | .. | .. | select(. == "nothing %d")`, i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Paths(shared); i > 2 && !errors.Is(err, errSpent) {
			t.Errorf("expression %d of many slow ones: %v", i, err)
		}
	}
	many, err := Parse(`.a[]`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := many.Paths(input(t, `{"a":[0`+strings.Repeat(",0", MaxPaths)+"]}")); !errors.Is(err, ErrTooMany) {
		t.Errorf("got %v", err)
	}
}

// FuzzParse feeds hostile expressions: what is accepted finds places that are
// there, in time.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{".a", ".a[]?", `.. | select(.name == "x")`, "[.[] | .a] | index(1)", ".a[1:2][-1]", `"\(.a)"`, `$ENV`, "if . then .a else .b end", `test("a{3}")`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			t.Skip()
		}
		e, err := Parse(text)
		if err != nil {
			return
		}
		paths, _ := e.Paths(input(t, document))
		if len(paths) > MaxPaths {
			t.Errorf("%d paths", len(paths))
		}
	})
}
