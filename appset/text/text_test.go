package text_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/appset/text"
	"github.com/trueup-dev/trueup/internal/fault"
)

func language(t testing.TB, goTemplate bool, options ...string) *text.Language {
	t.Helper()
	l, err := text.New(text.Options{Go: goTemplate, Templates: options, YAML: param.V11})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func values(t testing.TB, data string) map[string]any {
	t.Helper()
	value, err := param.JSON([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return value.(map[string]any)
}

func TestFast(t *testing.T) {
	t.Parallel()
	params := values(t, `{"a":"A","b":"{{a}}","path[0]":"seg","n":1,"A":"upper","":"empty","x y":"spaced"}`)
	l := language(t, false)
	for _, tc := range []struct{ reason, in, want string }{
		{"a name is replaced", "x-{{a}}-{{ a }}", "x-A-A"},
		{"names are case-sensitive", "{{A}}{{a}}", "upperA"},
		{"an unknown name stays, spaces and all", "{{  unknown }}", "{{  unknown }}"},
		{"an empty name stays", "{{}}{{ }}", "{{}}{{ }}"},
		{"what is no text stays", "{{n}}", "{{n}}"},
		{"one pass: what came out is not a template", "{{b}}", "{{a}}"},
		{"three braces are a name with a brace", "{{{a}}}", "{{{a}}}"},
		{"a tag in a tag stays", "{{ {{a}} }}", "{{ {{a}} }}"},
		{"closed before it is open", "}} {{", "}} {{"},
		{"an open tag without a closing one on any line is no template", "{{a\n}} {{", "{{a\n}} {{"},
		{"indexes are names", "{{path[0]}}", "seg"},
		{"spaces in a name", "{{x y}}", "spaced"},
		{"a tag over two lines counts once some line has a tag", "{{a}}\n{{\na\n}}", "A\nA"},
	} {
		got, err := l.Render(tc.in, params)
		if err != nil {
			t.Errorf("%s: %v", tc.reason, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
	if got, err := l.Render("{{a}} {{b", params); fault.Of(err) != fault.Invalid {
		t.Errorf("an open tag after a closed one gives %q, %v", got, err)
	}
}

const world = `{"n":1000000,"small":3,"big":9007199254740993,"id":123456789012,"float":1000000.5,"exp":1e6,"zero":0,"neg":-42,
"list":[1,2,1000000],"labels":{"a.b/c":"x","n":21000000},"name":"Web_1","none":null,"flag":true,"text":"a: 1000000\nb: [y, 2000000]"}`

func TestGo(t *testing.T) {
	t.Parallel()
	params := values(t, world)
	for _, tc := range []struct {
		reason, in, want string
		options          []string
	}{
		{reason: "integers print their digits", in: "{{.n}} {{.big}} {{.id}} {{.neg}} {{.zero}}", want: "1000000 9007199254740993 123456789012 -42 0"},
		{reason: "floats print as ever", in: "{{.float}} {{.exp}}", want: "1.0000005e+06 1e+06"},
		{reason: "lists and maps of integers", in: "{{.list}} {{.labels}}", want: "[1 2 1000000] map[a.b/c:x n:21000000]"},
		{reason: "integers are floats where they are formatted as such", in: `{{printf "%.0f %.2f %g %e" .n .n .n .n}}`, want: "1000000 1000000.00 1e+06 1.000000e+06"},
		{reason: "and integers where they are formatted as such", in: `{{printf "%d %05d %v %s" .n .small .id .n}}`, want: "1000000 00003 123456789012 1000000"},
		{reason: "too big for a float", in: `{{printf "%d %.0f" .big .big}} {{add .big 1}} {{int64 .big}}`, want: "9007199254740993 9007199254740992 9007199254740994 9007199254740993"},
		{reason: "arithmetic", in: `{{mul .n 2}} {{add .n .small}} {{sub .n 1}} {{div .n 3}} {{mod .n 7}} {{add1 .n}} {{int .n}} {{float64 .n}} {{max .n 5 .id}} {{min .n .small}}`,
			want: "2000000 1000003 999999 333333 1 1000001 1000000 1e+06 123456789012 3"},
		{reason: "arithmetic of floats", in: `{{mulf .small 1.5}} {{addf .small 0.5}} {{floor .small}} {{round .float 0}} {{maxf .small 2.5}}`, want: "4.5 3.5 3 1.000001e+06 3"},
		{reason: "comparing", in: `{{eq .small 3.0}} {{lt .small 4.5}} {{ge .n 1000000.0}} {{ne .small 4.0}} {{eq .n .n}} {{gt .n .small}}`, want: "true true true true true true"},
		{reason: "truth", in: `{{if .zero}}yes{{else}}no{{end}} {{not .small}} {{.zero | default "d"}} {{.n | default "d"}} {{empty .zero}} {{coalesce .zero .n}}`, want: "no false d 1000000 true 1000000"},
		{reason: "types are those of Argo CD", in: `{{kindOf .n}} {{typeOf .n}} {{typeIs "float64" .n}} {{kindIs "float64" .big}} {{typeOf .big}}`, want: "float64 float64 true true float64"},
		{reason: "lists find integers by value", in: `{{has 2.0 .list}} {{has .n .list}} {{without .list 1.0}} {{deepEqual .small 3.0}} {{uniq (concat .list .list)}}`, want: "true true [2 1000000] true [1 2 1000000]"},
		{reason: "texts of integers", in: `{{.n | toString}} {{quote .n}} {{join "," .list}} {{cat .n .id}} {{print .n "x" .n}}`, want: `1000000 "1000000" 1,2,1000000 1000000 123456789012 1000000x1000000`},
		{reason: "JSON and YAML", in: `{{.list | toJson}} {{toYaml .labels}}`, want: "[1,2,1000000] a.b/c: x\n\"n\": 21000000"},
		{reason: "YAML and JSON that are read", in: `{{(fromYaml .text).a}} {{(fromYaml .text).b}} {{(fromJson "{\"x\": 3000000}").x}} {{fromYamlArray "[4000000]"}}`, want: "1000000 [true 2000000] 3000000 [4000000]"},
		{reason: "a key that is missing", in: "{{.missing}}", want: "<no value>"},
		{reason: "null", in: "{{.none}}", want: "<no value>"},
		{reason: "names", in: `{{normalize .name}} {{slugify .name}} {{slugify 3 .name}} {{slugify 7 false "feature/long name"}}`, want: "web-1 web-1 web feature"},
		{reason: "a template in a parameter", in: `{{tpl "{{.name}} {{.missing}}" .}}`, want: "Web_1 "},
		{reason: "what a template changes is changed for itself only", in: `{{$_ := set .labels "z" "new"}}{{.labels.z}}`, want: "new"},
		{reason: "and not for the next", in: `{{.labels.z}}`, want: "<no value>"},
		{reason: "options", in: "{{.labels.q}}", want: "<no value>", options: []string{"missingkey=default"}},
		{reason: "loops", in: `{{range $i, $e := .list}}{{if gt $i 0}},{{end}}{{$e}}{{end}} {{range until 3}}{{.}}{{end}} {{range 3}}x{{end}}`, want: "1,2,1000000 012 xxx"},
		{reason: "numbers that count", in: `{{seq 3}} {{until 2}} {{untilStep 0 10 4}}`, want: "1 2 3 [0 1] [0 4 8]"},
		{reason: "without braces nothing happens", in: "}} $ %", want: "}} $ %"},
	} {
		l := language(t, true, tc.options...)
		got, err := l.Render(tc.in, params)
		if err != nil {
			t.Errorf("%s: %v", tc.reason, err)
			continue
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

func TestGoErrors(t *testing.T) {
	t.Parallel()
	params := values(t, world)
	for _, tc := range []struct{ in, want string }{
		{"{{.a", "failed to parse template {{.a: "},
		{"{{env \"HOME\"}}", `function "env" not defined`},
		{"{{getHostByName \"x\"}}", `function "getHostByName" not defined`},
		{"{{.missing}}", "failed to execute go template {{.missing}}: "},
		{"{{fail \"my words\"}}", "my words"},
		{"{{eq .small 3}}", "incompatible types for comparison"},
		{"{{upper .n}}", "wrong type for value; expected string; got param.Number"},
		{"{{slugify 1 2 3 4}}", "slugify takes"},
		{"{{fromYaml \"[1]\"}}", "fromYaml wants a map"},
	} {
		l := language(t, true, "missingkey=error")
		got, err := l.Render(tc.in, params)
		if fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s gives %q and %v, want an error with %q", tc.in, got, err, tc.want)
		}
	}
	if _, err := text.New(text.Options{Go: true, Templates: []string{"missingkey=nonsense"}}); fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("an unknown option gives %v", err)
	}
}

// hostile are templates that would take all the time or memory there is.
func hostile() []string {
	return []string{
		`{{range 1000000000000}}{{end}}`,
		`{{range until 10000}}{{range until 10000}}{{end}}{{end}}`,
		`{{range $.list}}{{range 100000}}{{range 100000}}{{end}}{{end}}{{end}}`,
		`{{define "a"}}{{template "a" .}}{{template "a" .}}{{end}}{{template "a" .}}`,
		`{{define "a"}}{{template "b"}}{{template "b"}}{{end}}{{define "b"}}{{template "c"}}{{template "c"}}{{end}}{{define "c"}}{{range 999999}}{{end}}{{end}}{{template "a"}}`,
		`{{$s := "xxxxxxxx"}}{{range until 100}}{{$s = print $s $s}}{{end}}`,
		`{{$s := "xxxxxxxx"}}{{range until 100}}{{$s = cat $s $s}}{{end}}`,
		`{{$l := list 1}}{{range until 100}}{{$l = list $l $l}}{{end}}{{$l}}`,
		`{{$l := list 1}}{{range until 100}}{{$l = concat $l $l}}{{end}}`,
		`{{$d := dict}}{{$_ := set $d "self" $d}}{{$d}}`,
		`{{$d := dict}}{{$e := dict "d" $d}}{{$_ := set $d "l" (list $e)}}{{toJson $d}}`,
		`{{$_ := set . "self" .}}{{.}}`,
		`{{repeat 1000000000 "x"}}`,
		`{{repeat 1000000 "xx"}}`,
		`{{indent 1000000000 "x"}}`,
		`{{replace "" (repeat 100000 "y") (repeat 100000 "x")}}`,
		`{{regexReplaceAll "x" (repeat 100000 "x") (repeat 100000 "y")}}`,
		`{{wrapWith 1 (repeat 100000 "y") (repeat 100000 "x")}}`,
		`{{join (repeat 1000 "y") (until 10000)}}`,
		`{{printf (repeat 1000 "%[1]999999s") "x"}}`,
		`{{printf (repeat 100000 "%[1]s") (repeat 100000 "x")}}`,
		`{{printf (repeat 1000 "%[1]*d") 999999 1}}`,
		`{{until 2000000000}}`, `{{untilStep 0 2000000000 1}}`, `{{seq 2000000000}}`, `{{seq 0 2 2000000000}}`,
		`{{randAlphaNum 2000000000}}`,
		`{{range 100}}{{genPrivateKey "rsa"}}{{end}}`,
		`{{range 1000}}{{derivePassword 1 "long" "a" "b" "c"}}{{end}}`,
		`{{$s := repeat 1000 "aaaaaaaaab"}}{{range 100000}}{{regexMatch "(a|b|ab)*c(a?){100}" $s}}{{end}}`,
		`{{tpl "{{tpl .t .}}" (dict "t" "{{tpl .t .}}")}}`,
		strings.Repeat("x", 2<<20) + "{{.n}}",
	}
}

func TestHostileTemplatesAreStopped(t *testing.T) {
	t.Parallel()
	for _, in := range hostile() {
		l := language(t, true)
		got, err := l.Render(in, values(t, world))
		if fault.Of(err) != fault.Invalid {
			t.Errorf("%.80s gives %d bytes and %v", in, len(got), err)
		}
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l, err := text.New(text.Options{Go: true, Stop: ctx.Err})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Render("{{range 900000}}{{end}}", nil); !errors.Is(err, context.Canceled) || fault.Of(err) == fault.Invalid {
		t.Errorf("a cancelled context gives %v of kind %s", err, fault.Of(err))
	}
}

func TestStrictly(t *testing.T) {
	t.Parallel()
	l := language(t, true)
	for in, want := range map[string]string{"{{.name}}": "Web_1", "{{.later}}-{{.name}}": "{{.later}}-{{.name}}", "{{.name.x}}": "{{.name.x}}"} {
		if got, err := l.Strictly(in, values(t, world)); err != nil || got != want {
			t.Errorf("%s gives %q, %v", in, got, err)
		}
	}
}

func TestUses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason, in string
		fast       bool
		want       []string
	}{
		{reason: "fields", in: "{{.a.b}}-{{$.c}}", want: []string{"a.b", "c"}},
		{reason: "arguments, pipes and variables", in: `{{$x := .a}}{{print .b (upper .c) | printf "%s" .d}}{{$x}}`, want: []string{"a", "b", "c", "d"}},
		{reason: "below with and range", in: `{{with .a}}{{.b}}{{$.c}}{{end}}{{range .l}}{{.x}}{{.}}{{end}}`, want: []string{"a", "a.b", "c", "l", "l[]", "l[].x"}},
		{reason: "index with a text", in: `{{index .metadata.labels "team.io/x"}}{{index .l 0}}`, want: []string{"l", "metadata.labels[team.io/x]"}},
		{reason: "index with several", in: `{{index . "a" "b"}}{{index .metadata "labels" .c}}`, want: []string{"a.b", "c", "metadata.labels"}},
		{reason: "functions that take a key", in: `{{get . "a"}}{{hasKey .metadata "labels"}}{{pluck "b" .a .metadata}}{{(get .metadata "labels").x}}`,
			want: []string{"a", "a.b", "metadata.b", "metadata.labels"}},
		{reason: "dig, piped and not", in: `{{dig "a" "b" "none" .}}{{. | dig "c" "none"}}{{.metadata | dig "labels" "x" .d}}`, want: []string{"a.b", "c", "d", "metadata.labels.x"}},
		{reason: "a key that is a parameter", in: `{{get .a .b}}{{get .metadata (lower .c)}}`, want: []string{"a", "b", "c", "metadata"}},
		{reason: "a key that is a parameter, of all", in: `{{get . .b}}`, want: []string{".", "b"}},
		{reason: "all to a function", in: `{{toJson .}}`, want: []string{"."}},
		{reason: "all to a function, piped", in: `{{. | toJson}}`, want: []string{"."}},
		{reason: "all under their other name", in: `{{with .a}}{{omit $ "x" | len}}{{end}}`, want: []string{".", "a"}},
		{reason: "all in a loop", in: `{{range $k, $v := .}}{{$k}}{{end}}`, want: []string{"."}},
		{reason: "all to another template", in: `{{define "q"}}{{.b}}{{end}}{{template "q" .}}`, want: []string{"."}},
		{reason: "some to another template", in: `{{define "q"}}{{.b}}{{end}}{{template "q" .a}}`, want: []string{"a"}},
		{reason: "all as they print", in: `{{.}}`, want: []string{"."}},
		{reason: "all in brackets", in: `{{len (omit . "x")}}`, want: []string{"."}},
		{reason: "branches that are not taken", in: `{{if false}}{{.a}}{{else}}{{.b}}{{end}}`, want: []string{"a", "b"}},
		{reason: "below something that has no name", in: `{{with dict "a" 1}}{{.a}}{{end}}`, want: nil},
		{reason: "fast: what was replaced", in: "{{a}}{{unknown}}{{ b }}{{a}}", fast: true, want: []string{"a", "b"}},
	} {
		var got []string
		params := values(t, `{"a":{"b":"x"},"b":"y","c":"z","d":"d","l":[{"x":1}],"metadata":{"labels":{}}}`)
		if tc.fast {
			params = values(t, `{"a":"x","b":"y"}`)
		}
		if _, err := language(t, !tc.fast).Explain(tc.in, params, &got); err != nil {
			t.Errorf("%s: %v", tc.reason, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	l := language(t, true, "missingkey=error")
	in := values(t, `{"a":["{{.x}}",1,null,{"k-{{.x}}":"v","gone":null}],"labels":{"a/b":"{{.x}}"},"plain":"p"}`)
	var seen []text.Text
	out, err := l.Tree(in, map[string]any{"x": "X"}, func(s text.Text) { seen = append(seen, s) })
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"a":["X",1,null,{"k-X":"v"}],"labels":{"a/b":"X"},"plain":"p"}`, string(data)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want := []text.Text{
		{Path: "a[0]", From: "a[0]", Template: "{{.x}}", Value: "X", Uses: []string{"x"}},
		{Path: "a[1]", From: "a[1]", Value: "1"},
		{Path: "a[3].k-X (key)", From: "a[3].k-{{.x}} (key)", Template: "k-{{.x}}", Value: "k-X", Uses: []string{"x"}},
		{Path: "a[3].k-X", From: "a[3].k-{{.x}}", Value: "v"},
		{Path: "labels[a/b]", From: "labels[a/b]", Template: "{{.x}}", Value: "X", Uses: []string{"x"}},
		{Path: "plain", From: "plain", Value: "p"},
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err = l.Tree(values(t, `{"a":"{{.p}}","b":["{{.q}}"],"{{.r}}":"x"}`), map[string]any{"x": "X"}, nil)
	for _, place := range []string{"a: failed", "b[0]: failed", "{{.r}} (key): failed"} {
		if err == nil || !strings.Contains(err.Error(), place) {
			t.Errorf("the error does not tell of %q: %v", place, err)
		}
	}
}

func TestSlugify(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason, in string
		limit      int
		smart      bool
		want       string
	}{
		{"short", "Feat/My_Branch.1", 50, true, "feat-my-branch-1"},
		{"cut between words", "feat/testwithsmarttruncateenabledramdomlonglistofcharacters", 50, true, "feat"},
		{"cut where the limit is", "feat/areallylongpullrequestnametotestargoslugification", 49, false, "feat-areallylongpullrequestnametotestargoslugific"},
		{"a word that ends at the limit stays", "abc-def-ghi", 7, true, "abc-def"},
		{"one word is cut", "abcdefghij", 4, true, "abcd"},
		{"no dash at the end", "abcd-efgh", 5, false, "abcd"},
		{"no limit", "abcd-efgh", 0, true, "abcd-efgh"},
	} {
		if got := text.Slugify(tc.in, tc.limit, tc.smart); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.reason, got, tc.want)
		}
	}
}

func FuzzRender(f *testing.F) {
	for _, seed := range append(hostile()[:28], "{{ .n }}", "{{ a }}", "{{ range until 5 }}x{{ end }}", "{{{a}}} {{", `{{with $x := .list}}{{index $x 0}}{{end}}`) {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, in string, goTemplate bool) {
		l := language(t, goTemplate)
		var uses []string
		got, err := l.Explain(in, values(t, world), &uses)
		if err != nil && fault.Of(err) != fault.Invalid {
			t.Errorf("%q gives an error of kind %s: %v", in, fault.Of(err), err)
		}
		if len(got) > 1<<20+len(in) {
			t.Errorf("%q gives %d bytes", in, len(got))
		}
	})
}
