package post_test

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/preview/post"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		verb post.Verb
		args []string
	}{
		"a preview":              {"/trueup preview", post.VerbPreview, nil},
		"with words":             {"/trueup sync  web  api\r\nplease", post.VerbSync, []string{"web", "api"}},
		"in capitals":            {"/trueup Preview", post.VerbPreview, nil},
		"after an empty line":    {"\r\n\n/trueup help", post.VerbHelp, nil},
		"nothing asked for":      {"/trueup", post.VerbHelp, nil},
		"mistyped":               {"/trueup priview now", post.VerbHelp, nil},
		"another's command":      {"/trueupx preview", "", nil},
		"later in the text":      {"please\n/trueup sync", "", nil},
		"quoted":                 {"> /trueup sync", "", nil},
		"code":                   {"    /trueup sync", "", nil},
		"in a fence":             {"```\n/trueup sync\n```", "", nil},
		"a control character":    {"/trueup sync \x1b[2J", "", nil},
		"turned around":          {"/trueup sync \u202egpj", "", nil},
		"a very long line":       {"/trueup sync " + strings.Repeat("x", 2000), "", nil},
		"too many words":         {"/trueup sync" + strings.Repeat(" x", 60), "", nil},
		"words that are no text": {"/trueup sync \xff", "", nil},
		"nothing":                {"", "", nil},
	} {
		got, ok := post.Parse(tc.body)
		if ok != (tc.verb != "") || got.Verb != tc.verb || got.Unknown != (name == "mistyped") {
			t.Errorf("%s: %v, %v", name, got, ok)
		}
		if diff := cmp.Diff(tc.args, got.Args); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// FuzzParse holds that a command is what its first line says, and that its
// words can be printed.
func FuzzParse(f *testing.F) {
	f.Add("/trueup preview\nx")
	f.Add("/trueup sync a b c")
	f.Add("\n\n/trueup\thelp \u2028 \x00")
	f.Fuzz(func(t *testing.T, body string) {
		c, ok := post.Parse(body)
		if !ok {
			if c.Verb != "" || c.Args != nil {
				t.Errorf("no command, and %v", c)
			}
			return
		}
		if !strings.HasPrefix(strings.TrimLeft(body, "\r\n"), "/trueup") || len(c.Args) > 50 {
			t.Errorf("%v of %q", c, body)
		}
		for _, word := range c.Args {
			if word == "" || strings.ContainsFunc(word, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }) {
				t.Errorf("the word %q", word)
			}
		}
	})
}

// TestRequests: who may write is asked; nobody else gets more than help.
func TestRequests(t *testing.T) {
	t.Parallel()
	ana, bob, eve := post.Author{ID: "3", Name: "ana"}, post.Author{ID: "4", Name: "bob"}, post.Author{ID: "5", Name: "eve"}
	comment := func(id string, who post.Author, body string, after time.Duration) post.Comment {
		return post.Comment{ID: id, Author: who, Body: body, Created: at.Add(after)}
	}
	f := newForge(
		comment("1", ana, "/trueup sync", -time.Hour), // older, and edited since
		comment("2", us, "/trueup sync", time.Minute),
		comment("3", bob, "/trueup sync", time.Minute),
		comment("4", ana, "looks good\n/trueup sync", time.Minute),
		comment("5", ana, "/trueup preview web", time.Minute),
		comment("6", bob, "/trueup help", time.Minute),
		comment("7", eve, "/trueup preview", time.Minute),
		comment("8", ana, "/trueup sync", 0),
	)
	f.writers = map[string]bool{"ana": true, "bob": false}
	got, err := post.NewPoster(f.repository(), post.Options{}).Requests(t.Context(), 4, at)
	if err != nil {
		t.Fatal(err)
	}
	request := func(i int, c post.Command, allowed bool, why string) post.Request {
		return post.Request{Command: c, Comment: f.comments[i-1], Allowed: allowed, Stranger: f.comments[i-1].Author != ana, Why: why}
	}
	if diff := cmp.Diff([]post.Request{
		request(3, post.Command{Verb: post.VerbSync}, false, "bob may not write to this repository"),
		request(5, post.Command{Verb: post.VerbPreview, Args: []string{"web"}}, true, ""),
		request(6, post.Command{Verb: post.VerbHelp}, true, ""),
		request(7, post.Command{Verb: post.VerbPreview}, false, "the forge does not say what eve may do: it does not say"),
		request(8, post.Command{Verb: post.VerbSync}, true, ""),
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
