package post_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/preview/post"
)

func TestBody(t *testing.T) {
	t.Parallel()
	text := `<!-- trueup:preview v1 instance=prod -->
### Preview: one changes

| Change | Applications |
|---|---|
| <code>Deployment/web</code> | a&#124;b |

<details><summary>web: identical in 2, <code>x</code></summary>

**Deployment/web** <code>web.yaml:1</code> is changed

` + "```diff\n- <details><summary>of the file</summary>\n+ <code>\n```" + `

</details>
<sub>base <code>1234567</code></sub>
`
	if got := post.Body(text, post.Traits{HTML: true}); got != text {
		t.Errorf("with HTML: %s", got)
	}
	want := `[//]: # (trueup:preview v1 instance=prod)

### Preview: one changes

| Change | Applications |
|---|---|
| Deployment/web | a&#124;b |

**web: identical in 2, x**

**Deployment/web** web.yaml:1 is changed

` + "```diff\n- <details><summary>of the file</summary>\n+ <code>\n```" + `


base 1234567
`
	if diff := cmp.Diff(want, post.Body(text, post.Traits{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPlainMarkerIsFound: a comment in the form without HTML is known again.
func TestPlainMarkerIsFound(t *testing.T) {
	t.Parallel()
	f := newForge()
	f.traits = post.Traits{}
	p := post.NewPoster(f.repository(), post.Options{})
	for _, tc := range []struct {
		text string
		want post.Outcome
	}{{"a", post.Created}, {"b", post.Edited}, {"b", post.Unchanged}} {
		if got, err := p.Comment(t.Context(), 1, marker+"\n"+tc.text); err != nil || got != tc.want {
			t.Errorf("got %s, %v, want %s", got, err, tc.want)
		}
	}
	if len(f.comments) != 1 || !strings.HasPrefix(f.comments[0].Body, "[//]: # (trueup:preview v1 instance=prod)\n\nb") {
		t.Errorf("comments %v", f.comments)
	}
}

func TestShort(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, want string }{{"a\nb  c", "a b c"}, {"äöüäöü", "äöüäöü"}, {"äöüäöüä", "äöüäö…"}} {
		if got := post.Short(tc.text, 6); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}
