package ignore

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/drift/jq"
	"github.com/trueup-dev/trueup/internal/object"
)

func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPattern(t *testing.T) {
	t.Parallel()
	root := decode(t, `{"a":{"x.y/z":1,"b":[{"name":"n","v":1},{"name":"m n","v":2}]},"ports":[{"port":80},{"port":80,"protocol":"UDP"}],"*":{"q":1},"":2}`)
	for text, want := range map[string]string{
		"a.b":                         "[a b]",
		".a.b":                        "[a b]",
		`a["x.y/z"]`:                  "[a x.y/z]",
		"a.b[name=n].v":               "[a b 0 v]",
		`a.b[name="m n"].v`:           "[a b 1 v]",
		"a.b[1]":                      "[a b 1]",
		"a.b[7]":                      "",
		"a.b[*].v":                    "[a b 0 v][a b 1 v]",
		"a.b[].v":                     "[a b 0 v][a b 1 v]",
		"ports[port=80,protocol=TCP]": "[ports 0]",
		"ports[port=80,protocol=UDP]": "[ports 1]",
		`["*"].q`:                     "[* q]",
		`[""]`:                        "[]",
		"nothing.at.all":              "",
	} {
		p, err := parsePattern(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		found, err := p.find(&jq.Input{Object: root})
		var b strings.Builder
		for _, s := range found {
			b.WriteString(strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(sprint(s), "["), "]"), ",", " "))
		}
		if got := b.String(); err != nil || got != strings.NewReplacer("[", "", "]", "").Replace(want) {
			t.Errorf("%s: got %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", ".", "a.", "a..b", "a[", "a[b", "a[b=", "a[b=c", `a["b`, "a.[0]", "a[-1]", "a[b]", "a[x=1,2]", "a b", strings.Repeat("a.", 70) + "b"} {
		if p, err := parsePattern(text); err == nil {
			t.Errorf("%q: accepted as %v", text, p)
		}
	}
}

func sprint(s spot) string {
	text, err := json.Marshal(s)
	if err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(string(text), `"`, "")
}

// TestReportedPathsAreRead: whatever a report prints can be pasted into a rule.
func TestReportedPathsAreRead(t *testing.T) {
	t.Parallel()
	i := 1
	for _, path := range []object.Path{
		{{Field: "spec"}, {Field: "containers"}, {Keys: []object.KeyValue{{Name: "name", Value: `a "b],=c`}}}, {Field: "x.y"}},
		{{Field: "ports"}, {Keys: []object.KeyValue{{Name: "containerPort", Value: int64(80)}, {Name: "protocol", Value: "TCP"}}}},
		{{Field: "a/b"}, {Index: &i}, {Field: ""}, {Field: `"`}},
	} {
		p, err := parsePattern(path.String())
		if err != nil || len(p) != len(path) {
			t.Errorf("%s: %v, %d steps", path, err, len(p))
		}
	}
}

func TestGlobs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		glob, text string
		want       bool
	}{
		{"*", "", true}, {"*", "apps", true}, {"", "", true}, {"", "apps", false}, {"apps", "apps", true}, {"*.example.com", "a.b.example.com", true},
		{"{apps,batch}", "batch", true}, {"{apps,batch}", "extensions", false}, {"Deploy*", "Deployment", true}, {"?ob", "Job", true}, {"[DS]*Set", "DaemonSet", true},
		{"{a,b}{c,d}", "bd", true},
	} {
		all, err := alternatives(tc.glob)
		if err != nil || matches(all, tc.text) != tc.want {
			t.Errorf("%q against %q: want %v, %v", tc.glob, tc.text, tc.want, err)
		}
	}
	for _, glob := range []string{"{a", "a}", "{a,{b}}", "[", strings.Repeat("{a,b}", 8), strings.Repeat("*", 300)} {
		if all, err := alternatives(glob); err == nil {
			t.Errorf("%.40q: accepted as %d globs", glob, len(all))
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	rules, problems := FromConfig("config map argocd-cm", map[string]string{
		"resource.customizations.ignoreDifferences.all":             "managedFieldsManagers: [kube-controller-manager]",
		"resource.customizations.ignoreDifferences.apps_Deployment": "jsonPointers: [/spec/replicas]\njqPathExpressions: ['.spec.x']",
		"resource.customizations.ignoreDifferences.Service":         "jsonPointers: [/spec/clusterIP]",
		"resource.customizations.ignoreDifferences.batch_Job":       "jsonPointer: [/spec]",
		"resource.customizations.health.apps_Deployment":            "hs = {}",
		"resource.customizations":                                   "apps/StatefulSet:\n  ignoreDifferences: |\n    jsonPointers: [/spec/a]\n  health.lua: x",
		"ignoreDifferences":                                         "- {group: a, kind: B, paths: [spec.x], when: live == 1}",
		"url":                                                       "https://x",
	})
	want := []Rule{
		{Name: "global/ignoreDifferences[0]", At: "config map argocd-cm ignoreDifferences [0]", Group: "a", Kind: "B", Paths: []string{"spec.x"}, When: "live == 1"},
		{Name: "global/apps_StatefulSet", At: "config map argocd-cm resource.customizations apps/StatefulSet", Group: "apps", Kind: "StatefulSet", JSONPointers: []string{"/spec/a"}},
		{Name: "global/Service", At: "config map argocd-cm resource.customizations.ignoreDifferences.Service", Kind: "Service", JSONPointers: []string{"/spec/clusterIP"}},
		{Name: "global/all", At: "config map argocd-cm resource.customizations.ignoreDifferences.all", Group: "*", Kind: "*", ManagedFieldsManagers: []string{"kube-controller-manager"}},
		{Name: "global/apps_Deployment", At: "config map argocd-cm resource.customizations.ignoreDifferences.apps_Deployment", Group: "apps", Kind: "Deployment", JSONPointers: []string{"/spec/replicas"}, JQPathExpressions: []string{".spec.x"}},
	}
	if diff := cmp.Diff(want, rules); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(problems) != 1 || !strings.Contains(problems[0].String(), "batch_Job: holds no rule") {
		t.Errorf("problems %v", problems)
	}
}

func TestLeaveToLive(t *testing.T) {
	t.Parallel()
	const live = `{"spec":{"replicas":7,"selector":{"app":"web","more":"1"},"rules":["a","x","b"],"containers":[{"name":"side","image":"s"},{"name":"web","image":"w:2"}]}}`
	for _, tc := range []struct {
		reason, desired string
		left            []Left
		want            string
	}{
		{"left out", `{"spec":{"replicas":2,"x":1}}`, []Left{{Path: "spec.replicas"}}, `{"spec":{"x":1}}`},
		{"left out of an item", `{"spec":{"containers":[{"name":"web","image":"w:1"}]}}`, []Left{{Path: "spec.containers[name=web].image"}}, `{"spec":{"containers":[{"name":"web"}]}}`},
		{"sent as it is", `{"spec":{"replicas":2}}`, []Left{{Path: "spec.replicas", Copy: true}}, `{"spec":{"replicas":7}}`},
		{"what we own and Git dropped", `{"spec":{}}`, []Left{{Path: "spec.replicas", Copy: true, Added: true}}, `{"spec":{"replicas":7}}`},
		{"an item that we own and Git dropped", `{"spec":{"containers":[{"name":"web","image":"w:2"}]}}`, []Left{{Path: "spec.containers[name=side]", Copy: true, Added: true}},
			`{"spec":{"containers":[{"name":"web","image":"w:2"},{"name":"side","image":"s"}]}}`},
		{"a key more of an atomic map", `{"spec":{"selector":{"app":"web"}}}`, []Left{{Path: "spec.selector.more", Copy: true, Added: true}}, `{"spec":{"selector":{"app":"web","more":"1"}}}`},
		{"an item more of an atomic list", `{"spec":{"rules":["a","b"]}}`, []Left{{Path: "spec.rules[1]", Copy: true, Added: true}}, `{"spec":{"rules":["a","x","b"]}}`},
		{"what live does not have is applied", `{"spec":{"paused":true}}`, []Left{{Path: "spec.paused"}}, `{"spec":{"paused":true}}`},
	} {
		desired := decode(t, tc.desired)
		got := LeaveToLive(desired, decode(t, live), tc.left)
		if diff := cmp.Diff(decode(t, tc.want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
		if diff := cmp.Diff(decode(t, tc.desired), desired); diff != "" {
			t.Errorf("%s: the desired object was changed:\n%s", tc.reason, diff)
		}
	}
}

// FuzzRules feeds hostile rules and objects: what compiles judges in time, and
// leaves both objects as they were.
func FuzzRules(f *testing.F) {
	for _, seed := range []string{
		`[{"group":"*","kind":"*","jsonPointers":["/a/0/b"],"paths":["a[*].b","a[k=v]"],"jqPathExpressions":[".. | .b?"],"when":"live == 1 && path.startsWith('a')"}]`,
		`[{"kind":"{a,b}*","managedFieldsManagers":["x"],"when":"[1,2].map(x, [1,2].map(y, x*y)).size() > 1"}]`,
		"data:\n  resource.customizations.ignoreDifferences.all: |\n    jsonPointers: [/spec]\n",
		`ignoreDifferences: [{kind: "*", paths: ["` + strings.Repeat("a[*]", 30) + `"]}]`,
		`[{"kind":"` + strings.Repeat("*a", 60) + `","paths":["a"]}]`,
	} {
		f.Add([]byte(seed), `{"a":[{"b":1,"k":"v"}],"spec":{"x":2}}`, `{"a":[{"b":2}],"spec":{"x":3}}`, "a[k=v].b")
	}
	f.Fuzz(func(t *testing.T, rules []byte, desired, live, path string) {
		var pair Pair
		if json.Unmarshal([]byte(desired), &pair.Desired) != nil || json.Unmarshal([]byte(live), &pair.Live) != nil || len(rules) > 1<<14 {
			t.Skip()
		}
		all, _ := FromFile("f", rules)
		set, _ := Compile(all...)
		own, _ := FromAnnotation(path)
		set = set.With(own).For(object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: strings.Repeat("a", 60)})
		if set == nil {
			return
		}
		ruling := set.Judge(pair, []Difference{{Path: path, Desired: 1, Live: 2, Managers: []string{"x"}, Manager: "x"}})
		ruling.Rest()
		ruling.Explain(0)
		LeaveToLive(pair.Desired, pair.Live, []Left{{Path: path, Copy: true, Added: true}, {Path: path}})
		var before Pair
		_ = json.Unmarshal([]byte(desired), &before.Desired)
		_ = json.Unmarshal([]byte(live), &before.Live)
		if diff := cmp.Diff(before, pair); diff != "" {
			t.Errorf("judging changed the objects:\n%s", diff)
		}
	})
}
