package param_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"dario.cat/mergo"
	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/internal/fault"
)

func object(t testing.TB, data string) map[string]any {
	t.Helper()
	value, err := param.JSON([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return value.(map[string]any)
}

func TestNumbersPrintAsWritten(t *testing.T) {
	t.Parallel()
	for literal, want := range map[string]string{
		"0": "0", "7": "7", "-7": "-7", "1000000": "1000000", "21000000": "21000000", "123456789012": "123456789012",
		"9007199254740992": "9007199254740992", "9007199254740993": "9007199254740993", "-9007199254740993": "-9007199254740993",
		"9223372036854775807": "9223372036854775807", "18446744073709551615": "18446744073709551615", "1152921504606846976": "1152921504606846976",
		"100000000000000000000": "100000000000000000000", "100000000000000000001": "1e+20", "1e6": "1e+06", "1.5": "1.5", "1000000.0": "1e+06",
	} {
		value := param.ParseNumber(literal)
		if got := fmt.Sprint(value); got != want {
			t.Errorf("%s prints %s, want %s", literal, got, want)
		}
		exact := want == literal
		data, err := json.Marshal(value)
		if err != nil || exact && string(data) != literal {
			t.Errorf("%s is %s in JSON: %v", literal, data, err)
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, seed := range []int64{0, 1, -1, 1000000, 1 << 53, 1<<53 + 1, -1<<63 + 1, 1<<63 - 1} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, i int64) {
		for _, value := range []any{param.FromInt(i), param.ParseNumber(strconv.FormatInt(i, 10))} {
			for _, verb := range []string{"%v", "%s", "%d"} {
				if got := fmt.Sprintf(verb, value); got != strconv.FormatInt(i, 10) {
					t.Errorf("%d prints %s with %s", i, got, verb)
				}
			}
			for _, verb := range []string{"%.0f", "%e", "%g", "%012.3f"} {
				if got, want := fmt.Sprintf(verb, value), fmt.Sprintf(verb, float64(i)); got != want {
					t.Errorf("%d prints %s with %s, a float64 %s", i, got, verb, want)
				}
			}
			if got := param.Float(value); got != float64(i) {
				t.Errorf("%d is the float64 %v", i, got)
			}
			whole, _ := big.NewFloat(float64(i)).Int64()
			if _, isFloat := param.Plain(value).(float64); isFloat != (whole == i && float64(i) < 1<<63) {
				t.Errorf("%d is the plain %T", i, param.Plain(value))
			}
		}
	})
}

func TestYAML(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason, in string
		version    param.Version
		want       string
		more       bool
	}{
		{reason: "nothing", in: "", want: `null`},
		{reason: "comments only", in: "# x\n", want: `null`},
		{reason: "keys that look like booleans stay texts", in: "{y: 1, n: 2, yes: 3, No: 4, on: 5, off: 6}", want: `{"No":4,"n":2,"off":6,"on":5,"y":1,"yes":3}`},
		{reason: "true and false are written small", in: "{True: 1, FALSE: 2}", want: `{"false":2,"true":1}`},
		{reason: "keys that are numbers", in: "{1: a, 0x10: b, 1.50: c, 1000000: d}", want: `{"1":"a","1.5":"c","1000000":"d","16":"b"}`},
		{reason: "booleans of 1.1", in: "[yes, no, on, off, y, true, 'yes']", want: `[true,false,true,false,true,true,"yes"]`},
		{reason: "booleans of 1.2", in: "[yes, no, on, off, y, true, True, 'yes']", version: param.V12, want: `["yes","no","on","off","y",true,true,"yes"]`},
		{reason: "integers in all their forms", in: "[1000000, 0x1F, 0777, 0b11, 1_000, -5, 9007199254740993]", want: `[1000000,31,511,3,1000,-5,9007199254740993]`},
		{reason: "dates are texts", in: "[2001-01-01, 2001-12-14t21:59:43.10-05:00]", want: `["2001-01-01","2001-12-14t21:59:43.10-05:00"]`},
		{reason: "aliases and merges", in: "a: &x {p: 1}\nb:\n  <<: *x\n  q: 2\nc: *x", want: `{"a":{"p":1},"b":{"p":1,"q":2},"c":{"p":1}}`},
		{reason: "null", in: "{a: null, b: ~, c: }", want: `{"a":null,"b":null,"c":null}`},
		{reason: "empty", in: "{a: {}, b: []}", want: `{"a":{},"b":[]}`},
		{reason: "JSON", in: `{"a": [1, "x\n", {"b": true}]}`, want: `{"a":[1,"x\n",{"b":true}]}`},
		{reason: "tags", in: "[!!str 123, !!float 3]", want: `["123",3]`},
		{reason: "the first of two documents", in: "a: 1\n---\nb: 2\n", want: `{"a":1}`, more: true},
		{reason: "an end of a document is none", in: "---\na: 1\n...\n", want: `{"a":1}`},
		{reason: "quoted words are texts", in: `{"null": "null", '~': "~", "true": "yes", "1": "2"}`, want: `{"1":"2","null":"null","true":"yes","~":"~"}`},
		{reason: "a key given twice", in: "{a: 1, a: 2}", want: `{"a":2}`},
	} {
		if tc.version == "" {
			tc.version = param.V11
		}
		value, more, err := tc.version.YAML([]byte(tc.in))
		if err != nil {
			t.Errorf("%s: %v", tc.reason, err)
		}
		got, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, string(got)); diff != "" || more != tc.more {
			t.Errorf("%s, more %v (-want +got):\n%s", tc.reason, more, diff)
		}
	}
	for _, in := range []string{"a: [", "{? {a: b} : c}", "{~: x}", "[.inf]", "a: .nan", "\tx: 1", "a: &x [*x]", "!!int abc"} {
		if value, _, err := param.V11.YAML([]byte(in)); fault.Of(err) != fault.Invalid {
			t.Errorf("%q gives %v, %v", in, value, err)
		}
	}
}

// FuzzYAML compares with the decoder of Argo CD: numbers aside, and keys that
// look like booleans, both read the same.
func FuzzYAML(f *testing.F) {
	for _, seed := range []string{"a: 1\nb: [x, 2.5]", "- a\n- {b: ~}", "x: &a {k: 1}\ny: *a", "{1: 2}", "'a': \"b\\n\"", "a: |\n  text\n", "- - - 1", "[0x1, 1e3, 2001-01-01, .5]", "{\"null\": \"~\"}", "{a: &x {b: 1}, c: {b: 2, <<: *x}}", "{<<: [{a: 1}, {a: 2}]}", "!!int 3", "!!float 3", "---\na\n---\nb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		var theirs any
		theirErr := yaml.Unmarshal([]byte(in), &theirs)
		ours, _, ourErr := param.V11.YAML([]byte(in))
		if theirErr != nil || ourErr != nil || strings.Contains(strings.ReplaceAll(in, "!!", ""), "!") {
			return // the parsers differ about what nobody writes
		}
		// Where a tag is empty, and what is a key, the two differ on purpose.
		for _, word := range []string{"y", "Y", "n", "N", "on", "On", "ON", "off", "Off", "OFF", "yes", "Yes", "YES", "no", "No", "NO"} {
			if strings.Contains(in, word) {
				return
			}
		}
		data, err := json.Marshal(param.Float(ours))
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(theirs)
		if err != nil {
			t.Fatal(err)
		}
		if string(data) != string(want) {
			t.Errorf("%q (-theirs +ours):\n%s", in, cmp.Diff(string(want), string(data)))
		}
	})
}

func TestFlat(t *testing.T) {
	t.Parallel()
	got := param.Flat(map[string]any{
		"a": map[string]any{"b": []any{"x", param.Number(1000000), map[string]any{"c": nil}}}, "empty": map[string]any{}, "none": []any{},
		"labels": map[string]string{"k/v": "l"}, "flag": true, "segments": []string{"p", "q"},
	})
	want := map[string]string{"a.b.0": "x", "a.b.1": "1000000", "a.b.2.c": "<nil>", "labels.k/v": "l", "flag": "true", "segments": "[p q]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSelector(t *testing.T) {
	t.Parallel()
	set := object(t, `{"url":"https://x.example.com:6443/a?b","n":1000000,"values":{"env":"prod"},"list":["a"]}`)
	for _, tc := range []struct {
		reason string
		in     metav1.LabelSelector
		want   bool
	}{
		{"an empty selector matches", metav1.LabelSelector{}, true},
		{"values need not be labels", metav1.LabelSelector{MatchLabels: map[string]string{"url": "https://x.example.com:6443/a?b"}}, true},
		{"nested names, and digits", metav1.LabelSelector{MatchLabels: map[string]string{"values.env": "prod", "n": "1000000", "list.0": "a"}}, true},
		{"a name that is missing", metav1.LabelSelector{MatchLabels: map[string]string{"other": ""}}, false},
		{"In", metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "values.env", Operator: "In", Values: []string{"dev", "prod"}}}}, true},
		{"NotIn of what is missing", metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "x", Operator: "NotIn", Values: []string{"y"}}}}, true},
		{"NotIn", metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "values.env", Operator: "NotIn", Values: []string{"prod"}}}}, false},
		{"Exists", metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "values.env", Operator: "Exists"}}}, true},
		{"a map does not exist, only what is in it", metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "values", Operator: "DoesNotExist"}}}, true},
	} {
		s, err := param.NewSelector(&tc.in)
		if err != nil {
			t.Errorf("%s: %v", tc.reason, err)
		}
		if got := s.Matches(set); got != tc.want {
			t.Errorf("%s: got %v", tc.reason, got)
		}
	}
	_, err := param.NewSelector(&metav1.LabelSelector{MatchLabels: map[string]string{"a b": ""}, MatchExpressions: []metav1.LabelSelectorRequirement{
		{Key: "k", Operator: "Gt"}, {Key: "k", Operator: "In"}, {Key: "k", Operator: "Exists", Values: []string{"x"}}}})
	for _, want := range []string{`"a b"`, `"Gt" is not an operator`, "In of the key", "Exists of the key"} {
		if fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not tell %q: %v", want, err)
		}
	}
}

// FuzzOverlay compares with the library that Argo CD merges with.
func FuzzOverlay(f *testing.F) {
	f.Add(`{"a":{"b":1,"c":[1]},"d":"x"}`, `{"a":{"b":2},"d":"","e":null}`)
	f.Add(`{"a":{"b":{"c":1}}}`, `{"a":{"b":{}},"x":[]}`)
	f.Add(`{"a":[1,2],"b":false,"c":0}`, `{"a":[],"b":true,"c":1}`)
	f.Add(`{"a":{}}`, `{"a":null}`)
	f.Fuzz(func(t *testing.T, base, over string) {
		var a, b, before map[string]any
		if json.Unmarshal([]byte(base), &a) != nil || json.Unmarshal([]byte(over), &b) != nil || mixed(a, b) {
			return
		}
		if err := json.Unmarshal([]byte(base), &before); err != nil {
			t.Fatal(err)
		}
		got := param.Overlay(a, b)
		if diff := cmp.Diff(before, a); diff != "" {
			t.Errorf("%s was changed (-before +after):\n%s", base, diff)
		}
		want := map[string]any{}
		if mergo.Merge(&want, a, mergo.WithOverride) != nil || mergo.Merge(&want, b, mergo.WithOverride) != nil {
			return
		}
		// Ours gives an empty map where theirs is none.
		if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
			t.Errorf("%s over %s (-theirs +ours):\n%s", over, base, diff)
		}
	})
}

// mixed tells of a name that has a map on one side only: there the library
// panics, or does what depends on its version.
func mixed(a, b map[string]any) bool {
	for key, value := range b {
		other, ok := a[key]
		if !ok || other == nil || value == nil {
			if ok {
				return true
			}
			continue
		}
		x, isMap := other.(map[string]any)
		y, also := value.(map[string]any)
		if isMap != also || isMap && mixed(x, y) || reflect.TypeOf(other) != reflect.TypeOf(value) {
			return true
		}
	}
	return false
}

func TestOverlay(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ reason, base, over, want string }{
		{"maps merge, lists are replaced", `{"m":{"a":1,"b":2},"l":[1,2]}`, `{"m":{"b":3},"l":[9]}`, `{"l":[9],"m":{"a":1,"b":3}}`},
		{"zero, empty and null count", `{"a":"x","b":true,"c":1,"d":"x","l":[1]}`, `{"a":"","b":false,"c":0,"d":null,"l":[]}`, `{"a":"","b":false,"c":0,"d":null,"l":[]}`},
		{"an empty map clears nothing", `{"m":{"a":1}}`, `{"m":{}}`, `{"m":{"a":1}}`},
		{"a map takes the place of a text, and the other way", `{"a":"x","b":{"c":1}}`, `{"a":{"c":1},"b":"x"}`, `{"a":{"c":1},"b":"x"}`},
	} {
		data, err := json.Marshal(param.Overlay(object(t, tc.base), object(t, tc.over)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, string(data)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
	texts := map[string]any{"values": map[string]string{"a": "1"}}
	got := param.Overlay(texts, map[string]any{"values": map[string]string{"b": "2"}})
	if diff := cmp.Diff(map[string]any{"values": map[string]string{"a": "1", "b": "2"}}, got); diff != "" {
		t.Errorf("maps of texts stay maps of texts (-want +got):\n%s", diff)
	}
	got = param.Overlay(texts, map[string]any{"values": map[string]any{"b": param.Number(2)}})
	if diff := cmp.Diff(map[string]any{"values": map[string]any{"a": "1", "b": param.Number(2)}}, got); diff != "" {
		t.Errorf("a map of texts under a map of anything (-want +got):\n%s", diff)
	}
}

func TestCombine(t *testing.T) {
	t.Parallel()
	got, err := param.Combine(object(t, `{"a":"x","n":1000000}`), object(t, `{"a":"x","b":true,"n":"1000000"}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"a": "x", "n": "1000000", "b": "true"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err = param.Combine(object(t, `{"a":"x"}`), object(t, `{"a":"y"}`))
	if want := "found duplicate key a with different value, a: x ,b: y"; fault.Of(err) != fault.Invalid || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	lists := func(texts ...string) [][]map[string]any {
		var out [][]map[string]any
		for _, text := range texts {
			list := []map[string]any{}
			for _, set := range object(t, `{"l":`+text+`}`)["l"].([]any) {
				list = append(list, set.(map[string]any))
			}
			out = append(out, list)
		}
		return out
	}
	for _, tc := range []struct {
		reason string
		rule   param.Rule
		lists  [][]map[string]any
		want   [][]int
		err    string
	}{
		{"left keeps the first's, in their order", param.Rule{Kind: param.Left, Keys: []string{"k"}},
			lists(`[{"k":"b"},{"k":"a"}]`, `[{"k":"a"},{"k":"x"}]`), [][]int{{0, -1}, {1, 0}}, ""},
		{"inner keeps what all have", param.Rule{Kind: param.Inner, Keys: []string{"k"}},
			lists(`[{"k":"b"},{"k":"a"}]`, `[{"k":"a"},{"k":"x"}]`, `[{"k":"b"},{"k":"a"}]`), [][]int{{1, 0, 1}}, ""},
		{"outer keeps all, and later lists join what only one had", param.Rule{Kind: param.Outer, Keys: []string{"k"}},
			lists(`[{"k":"b"}]`, `[{"k":"a"}]`, `[{"k":"a"},{"k":"z"}]`), [][]int{{0, -1, -1}, {-1, 0, 0}, {-1, -1, 1}}, ""},
		{"missing keys are equal in a left join", param.Rule{Kind: param.Left, Keys: []string{"k"}}, lists(`[{}]`, `[{"x":1}]`), [][]int{{0, 0}}, ""},
		{"and equal twice is once too often", param.Rule{Kind: param.Left, Keys: []string{"k"}}, lists(`[{},{}]`, `[]`), nil, `generators[0] gives more than one parameter set with {"k":null}`},
		{"missing keys match nothing in the others", param.Rule{Kind: param.Outer, Keys: []string{"k"}}, lists(`[{},{}]`, `[{}]`), [][]int{{0, -1}, {1, -1}, {-1, 0}}, ""},
		{"nor in an inner join", param.Rule{Kind: param.Inner, Keys: []string{"k"}}, lists(`[{},{"k":1}]`, `[{},{"k":1.0}]`), [][]int{{1, 1}}, ""},
		{"several keys", param.Rule{Kind: param.Left, Keys: []string{"a", "b"}}, lists(`[{"a":1,"b":1},{"a":1,"b":2}]`, `[{"b":2,"a":1}]`), [][]int{{0, -1}, {1, 0}}, ""},
		{"a text is no number", param.Rule{Kind: param.Left, Keys: []string{"k"}}, lists(`[{"k":1}]`, `[{"k":"1"}]`), [][]int{{0, -1}}, ""},
		{"nested keys", param.Rule{Kind: param.Left, Keys: []string{"values.r", "m.a.b"}, Nested: true},
			lists(`[{"values":{"r":"x"},"m":{"a":{"b":1}}}]`, `[{"values.r":"x","m":{"a.b":1}}]`), [][]int{{0, 0}}, ""},
		{"and not where they are flat", param.Rule{Kind: param.Inner, Keys: []string{"values.r"}}, lists(`[{"values":{"r":"x"}}]`, `[{"values.r":"x"}]`), nil, ""},
		{"duplicates of every list are named, each once", param.Rule{Kind: param.Left, Keys: []string{"k"}},
			lists(`[{"k":"a"},{"k":"a"},{"k":"a"}]`, `[{"k":"z"},{"k":"z"}]`), nil, "generators[1] gives more than one parameter set with {\"k\":\"z\"}"},
	} {
		got, err := tc.rule.Join(tc.lists)
		if tc.err != "" {
			if fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), tc.err) || strings.Count(err.Error(), "generators[0]") > 1 {
				t.Errorf("%s: got %v, want %s", tc.reason, err, tc.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tc.reason, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

func TestFreeJSONThatIsNull(t *testing.T) {
	t.Parallel()
	var field apiextensionsv1.JSON
	if err := json.Unmarshal([]byte("null"), &field); err != nil {
		t.Fatal(err)
	}
	if value, err := param.Free(field.Raw); value != nil || err != nil {
		t.Errorf("%v, %v", value, err)
	}
}
