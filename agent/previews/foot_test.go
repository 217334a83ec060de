package previews_test

import (
	"context"
	"errors"
	"html"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/post"
)

// TestFoot: the comment says what was compared, which commands there are, and
// how to get the same in a terminal, whatever a branch is called.
func TestFoot(t *testing.T) {
	t.Parallel()
	const branch = "x$(touch${IFS}pwned);'`id`'\"&<b>@all"
	w := newWorld(t)
	w.try = func(_ context.Context, p post.Pull) (preview.Report, error) {
		r := changed(p, "9f3c1ab04f00ba7")
		r.Merge, r.Untrusted, r.Seconds = "merge of 2b77e0c into 9f3c1ab", true, 1.84
		return r, nil
	}
	s, _ := w.start()
	w.set(s, post.Pull{Number: 4, Head: "2b77e0cc0ffee00", Target: branch, Fork: true})
	body := w.says(4, "ConfigMap shop")
	_, foot, _ := strings.Cut(body, "\n---\n")
	for _, tag := range []string{"<sub>", "</sub>", "<code>", "</code>"} {
		foot = strings.ReplaceAll(foot, tag, "")
	}
	if strings.ContainsAny(foot, "<>`\"'@$") {
		t.Errorf("a branch can become markup: %s", foot)
	}
	facts, next, _ := strings.Cut(html.UnescapeString(foot), "\n\n")
	want := "base 9f3c1ab · head 2b77e0c · what is shown is the merge of both · 1 of 3 applications rendered, the others read nothing that the change touches · 1.8 s"
	if diff := cmp.Diff(want, facts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	verbs, command, _ := strings.Cut(strings.TrimSpace(next), " · in a terminal: ")
	if verbs != "in a comment: /trueup preview /trueup sync /trueup help" {
		t.Errorf("the commands are %q", verbs)
	}
	out, err := exec.CommandContext(t.Context(), "sh", "-c", "trueup() { printf '%s\\n' \"$@\"; }; "+command).Output()
	words := strings.Join([]string{"preview", "--repo", "https://" + repository, "--base", branch, "--head", "2b77e0cc0ffee00", "--untrusted", ""}, "\n")
	if diff := cmp.Diff(words, string(out)); diff != "" || err != nil {
		t.Errorf("a shell makes of %s: %v (-want +got):\n%s", command, err, diff)
	}
}

// TestFootOfAFailure: what failed for good is not tried again by itself, so the
// comment says how.
func TestFootOfAFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.try = func(context.Context, post.Pull) (preview.Report, error) {
		return preview.Report{}, errors.New("no such commit\nand more")
	}
	s, _ := w.start()
	w.set(s, post.Pull{Number: 4, Head: "2b77e0cc0ffee00"})
	w.says(4, "it failed", "no such commit &#40;1 more line is not shown&#41;", "<code>/trueup preview</code> tries again")
}
