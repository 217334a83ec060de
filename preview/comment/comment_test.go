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

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/comment"
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
		s := preview.Side{Cluster: parts[1], Name: strings.TrimSuffix(path.Base(f.Name), ".yaml"), Home: "shop", Origins: map[object.Key]string{}}
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
	return r
}

func TestComments(t *testing.T) {
	t.Parallel()
	golden.Archives(t, "want", func(t *testing.T, archive *txtar.Archive) string {
		t.Helper()
		o := comment.Options{Instance: "prod", Alerts: true, Full: "https://trueup.example.com/previews/412", Command: "trueup preview --base main --head feature"}
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
	}
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
