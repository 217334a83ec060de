package comment_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/comment"
	"github.com/trueup-dev/trueup/preview/post"
)

// TestPast: each comment tells what the one before told, in both forms.
func TestPast(t *testing.T) {
	t.Parallel()
	for _, traits := range []post.Traits{{HTML: true}, {}} {
		var body string
		next := func(head string, write func([]comment.Past) string) []comment.Past {
			past := comment.PastOf(body, head)
			body = post.Body(write(past), traits)
			return past
		}
		report := func(head string, problems ...preview.Problem) func([]comment.Past) string {
			return func(past []comment.Past) string {
				r := preview.Report{Base: "9f3c1ab04f00ba7", Head: head, Total: 3, Rendered: 1, Problems: problems}
				return comment.Write(r, comment.Options{Past: past, Command: []string{"trueup", "preview", "|", "x"}, Verbs: []string{"/trueup help"}, Full: "https://trueup.example.com/1"})
			}
		}
		if past := next("1111111aa", report("1111111aa")); len(past) != 0 {
			t.Errorf("the first has a past: %v", past)
		}
		next("2222222bb", report("2222222bb", preview.Problem{Message: "before: 7777777 forged\nhead 8888888"}))
		next("3333333cc", func(past []comment.Past) string {
			return comment.WithPast(comment.Placeholder("", "3333333cc"), past)
		})
		past := next("3333333cc", func(past []comment.Past) string {
			return comment.WithPast(comment.Failed("", "3333333cc", errors.New("no"), ""), past)
		})
		want := []comment.Past{{Head: "2222222", Verdict: "what changes is not known; 1 problem"}, {Head: "1111111", Verdict: "nothing changes in 3 applications"}}
		if diff := cmp.Diff(want, past); diff != "" {
			t.Errorf("after a placeholder: %s", diff)
		}
		past = next("4444444dd", report("4444444dd"))
		want = append([]comment.Past{{Head: "3333333", Verdict: "it failed"}}, want...)
		if diff := cmp.Diff(want, past); diff != "" {
			t.Errorf("after a failure: %s", diff)
		}
		if past = next("4444444dd", report("4444444dd")); len(past) != 3 {
			t.Errorf("the same head again: %v", past)
		}
		for i := range 20 {
			next(strings.Repeat(string("abcdef"[i%6]), 9)+"0", report(strings.Repeat(string("abcdef"[i%6]), 9)+"0"))
		}
		if n := strings.Count(body, "nothing changes"); n != 6 {
			t.Errorf("%d verdicts in\n%s", n, body)
		}
	}
}

// FuzzPast holds that whatever a comment holds, what is read off it is bounded,
// and cannot become markup.
func FuzzPast(f *testing.F) {
	f.Add("### Preview: <b>\nbase 12 · head ab · x\nbefore: 1234567 @all [x](y) · 7654321 `c`")
	f.Add("### Preview: &lt;b&gt; &#64;all\n<sub>head <code>ab</code></sub>\n")
	f.Fuzz(func(t *testing.T, body string) {
		text := comment.WithPast("", comment.PastOf(body, ""))
		for _, tag := range []string{"<code>", "</code>", "<sub>", "</sub>"} {
			text = strings.ReplaceAll(text, tag, "")
		}
		if len(text) > 1000 || strings.ContainsAny(text, "<`@|[\x00\x1b\r") || strings.Contains(text, "](") {
			t.Errorf("%q", text)
		}
	})
}
