package follow_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/follow"
	"github.com/trueup-dev/trueup/preview/post"
)

const comment = "<!-- trueup:preview v1 instance=prod -->\n### Preview: one changes\n\n```diff\n+ <!-- trueup:after v1 -->\n```\n"

func TestStateIsReadAgain(t *testing.T) {
	t.Parallel()
	want := follow.State{
		Head: "b257ac1", Base: "0457cce", Key: "k", At: 1_772_000_000, Failures: 2, Lasting: true, Merged: 1_772_000_100,
		Apps: []follow.App{{Namespace: "trueup", Name: "web", Cluster: "eu"}, {Name: "old", Deleted: true, Still: true}},
	}
	for name, traits := range map[string]post.Traits{"with HTML": {HTML: true}, "without": {}} {
		body := post.Body(want.With(comment), traits)
		got, ok := follow.Read(body)
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		next := want
		next.Settled = true
		again := post.Body(next.With(body), traits)
		if got, _ := follow.Read(again); !got.Settled || strings.Count(again, "trueup:state") != 1 {
			t.Errorf("%s: the next state is not in place of the one before:\n%s", name, again)
		}
		if diff := cmp.Diff(again, post.Body(next.With(again), traits)); diff != "" {
			t.Errorf("%s: writing the same again changes it:\n%s", name, diff)
		}
	}
}

// TestStateOfMany: applications that have no room are counted.
func TestStateOfMany(t *testing.T) {
	t.Parallel()
	s := follow.State{Head: "b257ac1"}
	for i := range 5_000 {
		s.Apps = append(s.Apps, follow.App{Namespace: "trueup", Name: fmt.Sprintf("shop-%x-%d", i*7919%65536, i), Cluster: fmt.Sprint("cluster-", i%30)})
	}
	line := s.Line()
	got, ok := follow.Read(comment + "\n" + line + "\n")
	if !ok || len(line) > 12_100 || len(got.Apps)+got.Cut != 5_000 || len(got.Apps) < 300 {
		t.Errorf("%d bytes hold %d applications, %d are counted", len(line), len(got.Apps), got.Cut)
	}
}

func TestWhatIsNoState(t *testing.T) {
	t.Parallel()
	good := follow.State{Head: "b257ac1"}.Line()
	for name, body := range map[string]string{
		"none":            comment,
		"in a fence":      "x\n```\n" + good + "\n```\n",
		"another version": strings.Replace(good, " v1 ", " v9 ", 1),
		"damaged":         strings.Replace(good, " v1 ", " v1 x", 1),
		"no base64":       "<!-- trueup:state v1 ?? -->",
		"too long":        "<!-- trueup:state v1 " + strings.Repeat("A", 30_000) + " -->",
	} {
		if got, ok := follow.Read(body); ok {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// FuzzRead: whatever a comment holds, reading it ends, within bounds, and what
// was read can be written and read again.
func FuzzRead(f *testing.F) {
	f.Add(follow.State{Head: "b257ac1", Apps: []follow.App{{Name: "web"}}}.With(comment))
	f.Add("<!-- trueup:state v1 7cEBAQAAAIAg -->")
	f.Fuzz(func(t *testing.T, body string) {
		s, ok := follow.Read(body)
		if !ok {
			return
		}
		again, ok := follow.Read(s.With(comment))
		if !ok || again.Head != s.Head || len(again.Apps)+again.Cut != len(s.Apps)+s.Cut {
			t.Errorf("%+v reads again as %+v", s, again)
		}
	})
}

func TestApps(t *testing.T) {
	t.Parallel()
	got := follow.Apps(preview.Report{Apps: []preview.App{
		{Namespace: "trueup", Name: "web", Cluster: "eu", Action: preview.Update, Objects: []preview.Object{{}}},
		{Name: "gone", Action: preview.Delete, Objects: []preview.Object{{}}},
		{Name: "pinned", Action: preview.Same, Settings: []preview.Field{{}}},
		{Name: "broken", Action: preview.Same, Problem: &preview.Problem{}},
		{Name: "mended", Action: preview.Update, Problem: &preview.Problem{Only: true}, Objects: []preview.Object{{}}},
		{Name: "emptied", Action: preview.Same, Problem: &preview.Problem{Only: true}},
	}})
	want := []follow.App{{Namespace: "trueup", Name: "web", Cluster: "eu"}, {Name: "gone", Deleted: true}, {Name: "pinned", Still: true}, {Name: "mended"}, {Name: "emptied"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	there := follow.Seen{Found: true, Contains: true, Synced: true, Automated: true, Health: "Healthy"}
	but := func(change func(*follow.Seen)) follow.Seen {
		s := there
		change(&s)
		return s
	}
	for name, tc := range map[string]struct {
		app  follow.App
		seen follow.Seen
		want follow.Phase
		text string
	}{
		"applied and healthy":                 {follow.App{}, there, follow.Healthy, ""},
		"nothing that has health":             {follow.App{}, but(func(s *follow.Seen) { s.Health = "" }), follow.Healthy, ""},
		"an earlier commit":                   {follow.App{}, but(func(s *follow.Seen) { s.Contains = false }), follow.Waiting, "not seen yet"},
		"an earlier commit, nothing to apply": {follow.App{Still: true}, but(func(s *follow.Seen) { s.Contains = false }), follow.Healthy, ""},
		"on the way":                          {follow.App{}, but(func(s *follow.Seen) { s.Health = "Progressing" }), follow.Progressing, "progressing"},
		"degraded":                            {follow.App{}, but(func(s *follow.Seen) { s.Health, s.HealthMessage = "Degraded", "no image" }), follow.Failed, "degraded: no image"},
		"not synced":                          {follow.App{}, but(func(s *follow.Seen) { s.Synced = false }), follow.Waiting, "not at its end"},
		"nobody syncs":                        {follow.App{Name: "web"}, but(func(s *follow.Seen) { s.Synced, s.Automated = false, false }), follow.Waiting, "/trueup sync web"},
		"the sync failed":                     {follow.App{}, but(func(s *follow.Seen) { s.Synced, s.SyncError = false, "denied" }), follow.Failed, "denied"},
		"it cannot be compared":               {follow.App{}, but(func(s *follow.Seen) { s.Contains, s.Error = false, "no such branch" }), follow.Failed, "no such branch"},
		"not made yet":                        {follow.App{}, follow.Seen{}, follow.Waiting, "not there yet"},
		"deleted":                             {follow.App{Deleted: true}, follow.Seen{}, follow.Deleted, ""},
		"not deleted yet":                     {follow.App{Deleted: true}, there, follow.Waiting, "still there"},
	} {
		got := follow.Judge(tc.app, tc.seen)
		if got.Phase != tc.want || !strings.Contains(got.Message, tc.text) || tc.text == "" && got.Message != "" {
			t.Errorf("%s: %s %q", name, got.Phase, got.Message)
		}
	}
}

func outcome(phases ...follow.Phase) follow.Outcome {
	o := follow.Outcome{Merge: "0457cce000000000000000000000000000000000"}
	for i, p := range phases {
		o.Apps = append(o.Apps, follow.Standing{App: follow.App{Name: fmt.Sprint("app-", i), Cluster: []string{"eu", "us"}[i%2]}, Phase: p})
	}
	return o
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	over := outcome(follow.Healthy, follow.Waiting)
	over.Over = true
	for name, tc := range map[string]struct {
		of      follow.Outcome
		state   post.State
		settled bool
		words   string
	}{
		"all":     {outcome(follow.Healthy, follow.Deleted), post.Success, true, "applied and healthy in 2 applications"},
		"some":    {outcome(follow.Healthy, follow.Progressing), post.Pending, false, "1 of 2 applications applied and healthy"},
		"failed":  {outcome(follow.Failed, follow.Healthy, follow.Waiting), post.Failure, false, "1 of 3 applications failed, 1 applied and healthy"},
		"over":    {over, post.Neutral, true, "1 of 2 applications applied and healthy; not followed any longer"},
		"nothing": {outcome(), post.Success, true, "no application changes"},
	} {
		if got := tc.of.State(); got != tc.state || tc.of.Settled() != tc.settled || tc.of.Words() != tc.words {
			t.Errorf("%s: %s, %v, %q", name, got, tc.of.Settled(), tc.of.Words())
		}
	}
	e := outcome(follow.Healthy, follow.Failed, follow.Waiting).Environments()
	if len(e) != 2 || e[0].State() != post.Pending || e[1].State() != post.Failure || e[0].Apps[0].Phase != follow.Waiting {
		t.Errorf("environments %+v", e)
	}
}

func TestSection(t *testing.T) {
	t.Parallel()
	o := outcome(follow.Healthy, follow.Failed)
	o.Apps[0].Revision, o.Apps[1].Message, o.Cut = o.Merge, "denied by <b>policy</b>\n@everyone", 3
	got := o.Into(comment)
	want := comment + `
<!-- trueup:after v1 -->
### After the merge: 1 of 2 applications failed, 1 applied and healthy

Merged as <code>0457cce</code>.

**eu**: applied and healthy in 1 application

- app-0: ✅ applied and healthy at <code>0457cce</code>

**us**: 1 of 1 application failed, 0 applied and healthy

- app-1: ❌ failed: denied by &#60;b&#62;policy&#60;/b&#62; &#64;everyone

Beyond these, 3 applications are not followed.
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(got, o.Into(got)); diff != "" {
		t.Errorf("a second time it is not in place of the first:\n%s", diff)
	}
	var many []follow.Phase
	for range 500 {
		many = append(many, follow.Failed)
	}
	if n := len(outcome(many...).Into(comment)) - len(comment); n > follow.Room {
		t.Errorf("the section takes %d bytes", n)
	}
}
