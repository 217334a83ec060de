package comment_test

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/tools/txtar"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/comment"
	"github.com/trueup-dev/trueup/preview/risk"
)

// sides reads files named base/CLUSTER/APP.yaml and head/CLUSTER/APP.yaml. A
// file that begins with "error:" is an application that cannot be rendered.
func sides(t *testing.T, archive *txtar.Archive) preview.Input {
	t.Helper()
	builtin, err := schema.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	in := preview.Input{Schemas: builtin, MaskKey: []byte("test")}
	for _, f := range archive.Files {
		parts := strings.Split(f.Name, "/")
		if len(parts) != 3 {
			continue
		}
		s := preview.Side{Cluster: parts[1], Name: strings.TrimSuffix(path.Base(f.Name), ".yaml"), Home: "shop", Origin: "apps/set.yaml:7, generators[0].list of ApplicationSet <b>", Origins: map[object.Key]string{}}
		s.Spec = map[string]any{"destination": map[string]any{"name": s.Cluster}}
		if message, broken := strings.CutPrefix(string(f.Data), "error:"); broken {
			s.Err = fmt.Errorf("%s", strings.TrimSpace(message))
		} else if s.Objects, err = drift.Parse(strings.NewReader(string(f.Data)), f.Name); err != nil {
			t.Fatal(err)
		}
		for _, u := range s.Objects {
			s.Origins[object.KeyOf(u)] = s.Name + ".yaml:1"
			object.Track(u, s.Name)
		}
		if parts[0] == "base" {
			in.Base = append(in.Base, s)
		} else {
			in.Head = append(in.Head, s)
		}
	}
	return in
}

func reportOf(t *testing.T, archive *txtar.Archive) preview.Report {
	t.Helper()
	in := sides(t, archive)
	r := preview.Compare(in)
	r.Base, r.Head, r.Total, r.Rendered, r.Seconds = "9f3c1ab04f00ba7", "2b77e0cc0ffee00", 1204, len(in.Head), 1.84
	for _, f := range archive.Files {
		if f.Name == "live.yaml" {
			if err := yaml.UnmarshalStrict(f.Data, &r.Live); err != nil {
				t.Fatal(err)
			}
		}
	}
	return r
}

func TestComments(t *testing.T) {
	t.Parallel()
	golden.Archives(t, "want", func(t *testing.T, archive *txtar.Archive) string {
		t.Helper()
		o := comment.Options{Instance: "prod", Alerts: true, Full: "https://trueup.example.com/previews/412", Verbs: []string{"/trueup preview", "/trueup help"},
			Command: []string{"trueup", "preview", "--repo", "https://git.example.com/config.git", "--base", "main", "--head", "2b77e0cc0ffee00"}}
		if strings.Contains(string(archive.Comment), "limit 2000") {
			o.Limit = 2000
		}
		text := comment.Write(reportOf(t, archive), o)
		if o.Limit > 0 && len(text) > o.Limit {
			t.Errorf("%d bytes", len(text))
		}
		return text
	})
}

// manyDiffs is a report that has no room anywhere.
func many(t testing.TB) preview.Report {
	t.Helper()
	var in preview.Input
	for i := range 300 {
		for j, side := range []*[]preview.Side{&in.Base, &in.Head} {
			s := preview.Side{Name: fmt.Sprintf("app-%03d", i), Cluster: fmt.Sprintf("eu-%d", i%7), Home: "shop"}
			for k := range 3 {
				text := fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%d, namespace: shop}\ndata: {x: '%d %d', y: '```'}\n", k, i*j, k)
				objects, err := drift.Parse(strings.NewReader(text), "x")
				if err != nil {
					t.Fatal(err)
				}
				s.Objects = append(s.Objects, objects...)
			}
			*side = append(*side, s)
		}
	}
	r := preview.Compare(in)
	r.Total = 1204
	return r
}

// TestRoom holds for every limit that a comment fits, that its fences and
// elements are closed, and that what is shown and what is hidden add up.
func TestRoom(t *testing.T) {
	t.Parallel()
	r := many(t)
	r.Live = manyVerdicts(300)
	all := 0
	for _, s := range r.Sections {
		all += len(s.Objects)
	}
	hidden := regexp.MustCompile(`Not shown for lack of room:\*\* ([\d,]+) objects?`)
	for limit := 2000; limit < 200_000; limit = limit*5/4 + 7 {
		text := comment.Write(r, comment.Options{Limit: limit})
		if len(text) > limit {
			t.Errorf("limit %d: %d bytes", limit, len(text))
		}
		whole(t, text)
		left := 0
		if m := hidden.FindStringSubmatch(text); m != nil {
			if _, err := fmt.Sscan(strings.ReplaceAll(m[1], ",", ""), &left); err != nil {
				t.Fatal(err)
			}
		}
		if shown := strings.Count(text, " is changed\n"); shown+left != all {
			t.Errorf("limit %d: %d shown and %d hidden of %d", limit, shown, left, all)
		}
		for _, c := range []struct {
			what  string
			shown int
			left  *regexp.Regexp
			all   int
		}{
			{"verdicts", strings.Count(text, "would overwrite") + strings.Count(text, "is so already"), regexp.MustCompile(`([\d,]+) live verdicts?`), 600},
			{"clusters", strings.Count(text, "** as of"), regexp.MustCompile(`what ([\d,]+) clusters? say`), 3},
		} {
			left := 0
			if m := c.left.FindStringSubmatch(text); m != nil {
				if _, err := fmt.Sscan(strings.ReplaceAll(m[1], ",", ""), &left); err != nil {
					t.Fatal(err)
				}
			}
			if c.shown+left != c.all {
				t.Errorf("limit %d: %d %s shown and %d hidden of %d", limit, c.shown, c.what, left, c.all)
			}
		}
	}
}

// TestFootRoom: however much there would be to say at the end, the beginning
// stays, by which the comment is found.
func TestFootRoom(t *testing.T) {
	t.Parallel()
	r := many(t)
	r.Base, r.Head, r.Merge = strings.Repeat("a", 40), strings.Repeat("b", 40), strings.Repeat("c", 40)
	r.Problems = []preview.Problem{{Message: "a"}, {Message: "b", Before: true}}
	o := comment.Options{
		Limit: 2000, Instance: "prod", Full: "https://trueup.example.com/" + strings.Repeat("x", 100), Verbs: []string{"/trueup preview", "/trueup sync", "/trueup help"},
		Command: []string{"trueup", "preview", "--head", strings.Repeat("'", 140)},
	}
	for range 9 {
		o.Past = append(o.Past, comment.Past{Head: "1234567", Verdict: strings.Repeat("v", 100)})
	}
	for _, limit := range []int{2000, 3000, 60_000} {
		o.Limit = limit
		text := comment.Write(r, o)
		if len(text) > limit || !strings.HasPrefix(text, comment.Marker("prod")+"\n### Preview: 299 of 1,204 applications change: 897 updates; 2 problems\n") || !strings.Contains(text, "/trueup help") {
			t.Errorf("limit %d, %d bytes:\n%s", limit, len(text), text)
		}
		if has := strings.Contains(text, "in a terminal"); has != (limit > 3000) {
			t.Errorf("limit %d: the command is there %v", limit, has)
		}
	}
}

// TestWhatThereIsRoomFor: nothing is left out for lack of room where there is
// some, and an object that is cut says so.
func TestWhatThereIsRoomFor(t *testing.T) {
	t.Parallel()
	var risks []risk.Finding
	for i := range 40 {
		risks = append(risks, risk.Finding{Rule: "image", Severity: risk.Notice, Application: "web", Object: fmt.Sprintf("Deployment d%d", i), Message: "m"})
	}
	data := map[string]any{}
	for i := range 900 {
		data[fmt.Sprintf("k%04d", i)] = "v"
	}
	big := preview.Object{Kind: "ConfigMap", Name: "big", Action: preview.Create, Manifest: map[string]any{"data": data}}
	r := preview.Report{Total: 1, Risks: risks, Sections: []preview.Section{{Targets: []preview.Target{{Application: "web"}}, Objects: []preview.Object{big}}}}
	text := comment.Write(r, comment.Options{})
	if strings.Contains(text, "not shown here") || strings.Contains(text, "Not shown") || !strings.Contains(text, "Deployment d39") || !strings.Contains(text, "k0899") {
		t.Errorf("something is left out of %d bytes", len(text))
	}
	text = comment.Write(r, comment.Options{Limit: 14_000})
	whole(t, text)
	for _, want := range []string{"+   k0398: v\n@@ 501 more lines are not shown here @@\n```\n", "501 lines of objects that are shown in part"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

// manyVerdicts are n that somebody should act on and n others, of three
// clusters that say different things.
func manyVerdicts(n int) *preview.Live {
	l := &preview.Live{}
	for c := range 3 {
		d := preview.Destination{Cluster: fmt.Sprintf("eu-%d", c), LeftOut: c}
		for i := c; i < n; i += 3 {
			edit := preview.Edit{Path: "data.x", Base: "a", Head: "b", Live: "`c`|<d>\n", Manager: "kubectl"}
			d.Objects = append(d.Objects,
				preview.Judged{Application: "web", Kind: "ConfigMap", Name: fmt.Sprintf("a%03d", i), Verdict: preview.Overwrite, Overwrites: []preview.Edit{edit}},
				preview.Judged{Application: "web", Kind: "ConfigMap", Name: fmt.Sprintf("b%03d", i), Verdict: preview.AlreadySo})
		}
		l.Destinations = append(l.Destinations, d)
	}
	return l
}

// whole holds that nothing is cut in two.
func whole(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Error("no valid UTF-8")
	}
	open, fence := 0, ""
	for line := range strings.SplitSeq(text, "\n") {
		run := len(line) - len(strings.TrimLeft(line, "`"))
		switch {
		case fence != "" && line == fence:
			fence = ""
		case fence == "" && run >= 3:
			fence = line[:run]
		case fence == "":
			open += strings.Count(line, "<details>") - strings.Count(line, "</details>")
		}
	}
	if open != 0 || fence != "" {
		t.Errorf("%d elements and fence %q are open at the end", open, fence)
	}
}

func TestMarkerIsAComment(t *testing.T) {
	t.Parallel()
	if got := comment.Marker("Prod --> <b>"); got != "<!-- trueup:preview v1 instance=prod______b_ -->" {
		t.Errorf("got %s", got)
	}
}

// FuzzComment holds that whatever a pull request holds is shown as text.
func FuzzComment(f *testing.F) {
	f.Add("web", "x\n```\n<script>@everyone", "a`b|c", "boom\n> quoted")
	f.Add("](x)", "</details><img src=x>", "&#124;", "\x1b[2J\u202e")
	f.Add("--> <!--", "````````\n````", "data", "@admin https://evil.example.com")
	f.Fuzz(func(t *testing.T, name, value, key, failure string) {
		object := func(v string) *unstructured.Unstructured {
			u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{key: v, "k" + key: value}}}
			u.SetName(name)
			return u
		}
		in := preview.Input{
			Base: []preview.Side{{Name: name, Cluster: key, Objects: []*unstructured.Unstructured{object("")}}, {Name: "gone" + name, Objects: []*unstructured.Unstructured{object(value)}}},
			Head: []preview.Side{{Name: name, Cluster: key, Objects: []*unstructured.Unstructured{object(value)}, Origin: failure}, {Name: "b" + name, Err: fmt.Errorf("%s", failure)}},
		}
		r := preview.Compare(in)
		r.Base, r.Head = name, key
		edit := preview.Edit{Path: key, Base: value, Head: failure, Live: name, Manager: value, Subresource: key, Audit: []audit.Actor{{User: failure}}}
		r.Live = &preview.Live{
			Destinations: []preview.Destination{{Cluster: key, Unknown: failure, Objects: []preview.Judged{
				{Application: name, Kind: key, Name: value, Verdict: preview.Rejected, Cause: preview.ByWebhook, By: name, Reason: failure},
				{Application: value, Kind: "Service", Name: name, Verdict: preview.Overwrite, Overwrites: []preview.Edit{edit}},
				{Application: value, Kind: "Service", Name: key, Verdict: preview.Altered, Drifted: 9, Drifts: []preview.Edit{edit}, Stored: []preview.Field{{Path: key, Before: value, After: failure}}},
			}}},
			Risks: []risk.Finding{{Rule: "rejected", Severity: risk.Critical, Application: name, Object: value, Message: failure}},
		}
		r.Warnings, r.Problems = []string{failure, value}, []preview.Problem{{Message: value}}
		text := comment.Write(r, comment.Options{Limit: 8000, Past: []comment.Past{{Head: key, Verdict: value}}})
		if len(text) > 8000 {
			t.Errorf("%d bytes", len(text))
		}
		whole(t, text)
		plain := outside(text)
		for _, tag := range []string{"<code>", "</code>", "<details>", "</details>", "<summary>", "</summary>", "<sub>", "</sub>", comment.Marker("")} {
			plain = strings.ReplaceAll(plain, tag, "")
		}
		if strings.ContainsAny(plain, "<`@\x00\x1b\r\u202e\u2028") || strings.Contains(plain, "](") || strings.Contains(plain, "://") {
			t.Errorf("%q", plain)
		}
	})
}

// outside is what is not inside a fence.
func outside(text string) string {
	var out []string
	fence := ""
	for line := range strings.SplitSeq(text, "\n") {
		run := len(line) - len(strings.TrimLeft(line, "`"))
		switch {
		case fence != "" && line == fence:
			fence = ""
		case fence != "":
		case run >= 3:
			fence = line[:run]
		default:
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// TestHiddenWarnings: warnings without room are counted as what they are.
func TestHiddenWarnings(t *testing.T) {
	t.Parallel()
	var r preview.Report
	for i := range 300 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("warning %d %s", i, strings.Repeat("x", 100)))
	}
	text := comment.Write(r, comment.Options{Limit: 8000})
	n := strings.Count(text, "- warning ")
	if n < 5 || !strings.Contains(text, fmt.Sprintf("\n- and %d more\n", 300-n)) || !strings.Contains(text, fmt.Sprintf("Not shown for lack of room:** %d warnings.", 300-n)) {
		t.Errorf("%d are shown:\n%s", n, text)
	}
	r.Warnings = []string{strings.Repeat("x", 9000)}
	if text = comment.Write(r, comment.Options{Limit: 8000}); strings.Contains(text, "#### Warnings") || !strings.Contains(text, "1 warning.") {
		t.Errorf("a heading has nothing below it:\n%s", text)
	}
}

// TestSpareRoom holds that risks take the room that nothing else needs, and
// take none from what does.
func TestSpareRoom(t *testing.T) {
	t.Parallel()
	var in preview.Input
	for i := range 100 {
		objects, err := drift.Parse(strings.NewReader(fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%d, namespace: shop}\n", i)), "x")
		if err != nil {
			t.Fatal(err)
		}
		in.Base = append(in.Base, preview.Side{Name: fmt.Sprintf("old-%03d", i), Home: "shop", Objects: objects})
		in.Head = append(in.Head, preview.Side{Name: fmt.Sprintf("new-%03d", i), Home: "shop", Objects: objects})
	}
	r := preview.Compare(in)
	text := comment.Write(r, comment.Options{})
	if n := strings.Count(text, "\n> - <code>Application new-"); n != 100 || strings.Contains(text, "Not shown") {
		t.Errorf("%d of 100 risks are shown", n)
	}
	rows := strings.Count(text, "\n| &#8594; |")
	for limit := 20_000; limit < len(text); limit += 1_111 {
		text := comment.Write(r, comment.Options{Limit: limit})
		risks := strings.Count(text, "\n> - <code>Application new-")
		if len(text) > limit || !strings.Contains(text, fmt.Sprintf("**Not shown for lack of room:** %d risks.", 100-risks)) {
			t.Errorf("limit %d: %d bytes, %d risks", limit, len(text), risks)
		}
		if limit > 30_000 && (strings.Count(text, "\n| &#8594; |") != rows || len(text) < limit-1_000) {
			t.Errorf("limit %d: %d bytes, and %d of %d rows", limit, len(text), strings.Count(text, "\n| &#8594; |"), rows)
		}
	}
}
