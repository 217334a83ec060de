package comment_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/preview/comment"
)

func TestFailed(t *testing.T) {
	t.Parallel()
	err := errors.New("read <b>@all</b>: [x](https://evil.example.com)\nsecond line")
	got := comment.Failed("prod", "2b77e0cc0ffee00", err, "https://ci.example.com/jobs/1?x=y")
	want := "<!-- trueup:preview v1 instance=prod -->\n### Preview: it failed\n\nThe preview could not be made: read &#60;b&#62;&#64;all&#60;/b&#62;: &#91;x&#93;&#40;https&#58;//evil.example.com&#41; &#40;1 more line is not shown&#41;\n\n" +
		"---\n<sub>head <code>2b77e0c</code> · [details](https://ci.example.com/jobs/1?x=y)</sub>\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, url := range []string{"", "javascript:alert(1)", "https://x/)[y](z", "https://x/ y", "https://x/<b>"} {
		if got := comment.Failed("", "x", err, url); strings.Contains(got, "details") {
			t.Errorf("%q is a link in %s", url, got)
		}
	}
	if got := comment.Failed("", "x", errors.New(strings.Repeat("ä", 5000)), ""); len(got) > 3000 {
		t.Errorf("%d bytes", len(got))
	}
}
