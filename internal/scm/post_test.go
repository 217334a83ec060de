package scm_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm"
	"github.com/trueup-dev/trueup/internal/scm/ci"
	"github.com/trueup-dev/trueup/internal/scm/rest"
	"github.com/trueup-dev/trueup/internal/scm/scmtest"
	"github.com/trueup-dev/trueup/preview/post"
)

const marker = "<!-- trueup:preview v1 instance=prod -->"

// poster opens the repository web of a kind of forge.
func poster(t *testing.T, k kind, server *scmtest.Server, forges *scm.Forges) (*post.Poster, post.Repository) {
	t.Helper()
	r, err := forges.Repository(t.Context(), "sets", k.pulls(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	return post.NewPoster(r, post.Options{Tries: 1}), r
}

// said are the comments of a pull request that have our marker, as
// author: text.
func said(server *scmtest.Server, pull int64) (out []string) {
	server.Change(func(w *scmtest.World) {
		for _, c := range w.Talk.Comments[pull] {
			first, rest, _ := strings.Cut(c.Body, "\n")
			if strings.Contains(first, "trueup:preview v1 instance=prod") {
				out = append(out, c.Author+": "+strings.TrimSpace(rest))
			}
		}
	})
	return out
}

// TestStickyComment: one comment, found on a late page, by its marker and its
// author.
func TestStickyComment(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind, server *scmtest.Server, forges *scm.Forges) {
		p, r := poster(t, k, server, forges)
		marked := post.Body(marker+"\nlook here", r.Traits(t.Context()))
		server.Change(func(w *scmtest.World) {
			w.Talk.Say(1, "eve", marked) // a copy
			for i := range 13 {
				w.Talk.Say(1, "bob", fmt.Sprintf("comment %d", i))
			}
		})
		write := func(text string, outcome post.Outcome, want ...string) {
			t.Helper()
			got, err := p.Comment(t.Context(), 1, marker+"\n"+text)
			if err != nil || got != outcome {
				t.Errorf("%s: %s, %v, want %s", text, got, err, outcome)
			}
			if diff := cmp.Diff(append([]string{"eve: look here"}, want...), said(server, 1)); diff != "" {
				t.Errorf("after %s (-want +got):\n%s", text, diff)
			}
		}
		write("first", post.Created, "bot: first")
		write("first", post.Unchanged, "bot: first")
		server.Change(func(w *scmtest.World) {
			for i := range 5 {
				w.Talk.Say(1, "bob", fmt.Sprintf("later %d", i))
			}
		})
		write("second: äöü \\ \" <b>", post.Edited, "bot: second: äöü \\ \" <b>")
		server.Change(func(w *scmtest.World) { w.Talk.Say(1, scmtest.Me, marked) })
		write("third", post.Edited, "bot: third", "bot: look here")
		server.Change(func(w *scmtest.World) {
			w.Talk.Comments[1] = slices.DeleteFunc(w.Talk.Comments[1], func(c scmtest.Comment) bool { return c.Author == scmtest.Me })
		})
		write("fourth", post.Created, "bot: fourth")
	})
}

// TestLongComment: what has the length that the forge is said to take is
// taken.
func TestLongComment(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind, server *scmtest.Server, forges *scm.Forges) {
		p, r := poster(t, k, server, forges)
		limit := r.Traits(t.Context()).Limit
		if limit < 30_000 {
			t.Fatalf("a limit of %d", limit)
		}
		body := marker + "\n" + strings.Repeat("x", limit-len(marker)-1)
		if got, err := p.Comment(t.Context(), 1, body); err != nil || got != post.Created {
			t.Errorf("%s, %v", got, err)
		}
	})
}

// TestAlerts: boxes are used where the server's version has them.
func TestAlerts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind, server *scmtest.Server, _ *scm.Forges) {
		for version, want := range map[string]map[string]bool{
			"":                     {"github": true},
			"17.9.4-ee":            {"github": true, "gitea": true},
			"17.10.0-pre":          {"github": true, "gitea": true, "gitlab": true},
			"18.2.1":               {"github": true, "gitea": true, "gitlab": true},
			"1.21.11":              {"github": true},
			"1.22.0":               {"github": true, "gitea": true},
			"9.0.3+gitea-1.22.0":   {"github": true, "gitea": true},
			"1.20.6+0-gitea-1.20":  {"github": true},
			"no version of a kind": {"github": true},
		} {
			server.Change(func(w *scmtest.World) { w.Talk.Version = version })
			_, r := poster(t, k, server, forgesAt(t, server, nil))
			// Forgejo's version is not one that GitLab says.
			if got := r.Traits(t.Context()).Alerts; got != want[k.name] && (k.name != "gitlab" || !strings.Contains(version, "gitea")) {
				t.Errorf("version %q: %v", version, got)
			}
		}
	})
}

// TestOpenedAgain: who we are is asked once an hour, and again with another
// token.
func TestOpenedAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind, server *scmtest.Server, _ *scm.Forges) {
		var later atomic.Int64
		secrets := withToken()
		forges := scm.New(scm.Options{
			Objects: secrets, BitbucketCloud: server.URL + "/2.0",
			REST: rest.Options{Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }},
		})
		t.Cleanup(forges.Close)
		who := func() (post.Author, int, error) {
			before := server.Requests()
			_, r := poster(t, k, server, forges)
			me, err := r.Accounts.Me(t.Context())
			return me, server.Requests() - before, err
		}
		me, asked, err := who()
		if err != nil || asked == 0 {
			t.Fatalf("%d requests, %v", asked, err)
		}
		later.Store(int64(59 * time.Minute))
		if again, asked, err := who(); err != nil || again != me || asked != 0 {
			t.Errorf("within an hour: %v with %d requests, %v", again, asked, err)
		}
		later.Store(int64(61 * time.Minute))
		if again, asked, err := who(); err != nil || again != me || asked == 0 {
			t.Errorf("after an hour: %v with %d requests, %v", again, asked, err)
		}
		secrets.secrets["sets/token"].Data["token"] = []byte("another")
		if _, asked, err := who(); fault.Of(err) != fault.Denied || asked == 0 {
			t.Errorf("with a token that is not let in: %d requests, %v", asked, err)
		}
	})
}

// TestStatus: of one context there is one, and what is so already is not
// written again.
func TestStatus(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind, server *scmtest.Server, forges *scm.Forges) {
		p, _ := poster(t, k, server, forges)
		commit := strings.Repeat("1", 40)
		server.Change(func(w *scmtest.World) {
			for i := range 5 {
				w.Talk.Statuses = append(w.Talk.Statuses, scmtest.Status{ID: int64(i), Commit: strings.Repeat("2", 40), Name: "trueup/preview", State: "success"})
			}
		})
		states := map[string][]string{
			"github": {"pending", "success", "failure"}, "gitea": {"pending", "success", "failure"}, "gitlab": {"running", "success", "failed"},
			"azure": {"pending", "succeeded", "failed"},
		}[k.name]
		if states == nil {
			states = []string{"INPROGRESS", "SUCCESSFUL", "FAILED"}
		}
		for _, tc := range []struct {
			status post.Status
			state  string
			added  bool
		}{
			{post.Status{State: post.Pending, Description: "rendering"}, states[0], true},
			{post.Status{State: post.Pending, Description: "rendering"}, states[0], false},
			{post.Status{State: post.Neutral, Description: "3 applications change " + strings.Repeat("x", 300), URL: "https://ci.example.com/1"}, states[1], true},
			{post.Status{State: post.Neutral, Description: "3 applications change " + strings.Repeat("x", 300), URL: "https://ci.example.com/1"}, states[1], false},
			{post.Status{State: post.Failure, Description: "a risk is critical"}, states[2], true},
		} {
			var before, after int
			count := func(into *int) func(w *scmtest.World) { return func(w *scmtest.World) { *into = len(w.Talk.Statuses) } }
			server.Change(count(&before))
			if _, err := p.Status(t.Context(), 1, commit, tc.status); err != nil {
				t.Fatalf("%v: %v", tc.status, err)
			}
			server.Change(count(&after))
			if !tc.added && before != after {
				t.Errorf("%s is there %d times", tc.status.Description, after-before+1)
			}
			server.Change(func(w *scmtest.World) {
				last := w.Talk.Statuses[len(w.Talk.Statuses)-1]
				if last.Commit != commit || last.Name != "trueup/preview" || last.State != tc.state || !strings.HasPrefix(last.Description, tc.status.Description[:8]) ||
					tc.status.URL != "" && last.URL != tc.status.URL {
					t.Errorf("%v is %v", tc.status, last)
				}
			})
		}
	})
}

// TestPull reads open, merged and closed ones, and those of forks.
func TestPull(t *testing.T) {
	t.Parallel()
	merge := strings.Repeat("f", 40)
	each(t, func(t *testing.T, k kind, server *scmtest.Server, forges *scm.Forges) {
		server.Change(func(w *scmtest.World) { w.Talk.Merge, w.Talk.Forked = merge, map[int64]bool{5: true} })
		_, r := poster(t, k, server, forges)
		author := func(name string) post.Author {
			switch k.name {
			case "azure":
				return post.Author{ID: "guid-" + name, Name: name + "@example.com"}
			case "bitbucket cloud":
				return post.Author{ID: fmt.Sprintf("{%d}", scmtest.Users()[name]), Name: name}
			}
			return post.Author{ID: fmt.Sprint(scmtest.Users()[name]), Name: name}
		}
		refs := map[string][2]string{
			"github": {"refs/pull/%d/head", "refs/pull/%d/merge"}, "gitea": {"refs/pull/%d/head", ""}, "gitlab": {"refs/merge-requests/%d/head", "refs/merge-requests/%d/merge"},
			"azure": {"", "refs/pull/%d/merge"}, "bitbucket cloud": {}, "bitbucket server, old": {"refs/pull-requests/%d/from", ""}, "bitbucket server, new": {"refs/pull-requests/%d/from", ""},
		}[k.name]
		ref := func(form string, number int64) string {
			if form == "" {
				return ""
			}
			return fmt.Sprintf(form, number)
		}
		for _, p := range scmtest.Shop().Repositories[0].Pulls {
			want := post.Pull{
				Number: p.Number, Title: p.Title, State: post.PullState(p.State), Author: author(p.Author), Branch: p.Branch, Head: p.SHA, HeadRef: ref(refs[0], p.Number),
				Fork: p.Number == 5, Target: p.Target, Base: scmtest.Base, URL: scmtest.Page(p.Number), Updated: p.Updated,
			}
			switch p.State {
			case "merged":
				want.Merge = merge
			case "open":
				want.MergeRef = ref(refs[1], p.Number)
				if k.name == "github" || k.name == "azure" {
					want.Merge = merge
				}
			}
			if k.name == "azure" {
				want.Updated = time.Time{}
			}
			got, err := r.Pulls.Pull(t.Context(), p.Number)
			if k.name == "bitbucket cloud" && p.State == "open" {
				got.Merge = ""
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%d: %v (-want +got):\n%s", p.Number, err, diff)
			}
		}
		if _, err := r.Pulls.Pull(t.Context(), 99); fault.Of(err) != fault.Missing {
			t.Errorf("one that is not there: %v", err)
		}
		open, err := r.Pulls.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range open {
			got = append(got, fmt.Sprintf("%d %s %.7s into %s by %s, fork %v", p.Number, p.State, p.Head, p.Target, strings.TrimSuffix(p.Author.Name, "@example.com"), p.Fork))
		}
		if diff := cmp.Diff([]string{
			"1 open 1111111 into main by ana, fork false", "4 open 6666666 into main-2 by bob, fork false", "5 open 7777777 into main by eve, fork true",
			"6 open 8888888 into main by bob, fork false", "7 open 9999999 into main by bob, fork false",
		}, got); diff != "" {
			t.Errorf("the open ones (-want +got):\n%s", diff)
		}
	})
}

// TestCommands: what is asked for since a time, and whether who asks may.
func TestCommands(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind, server *scmtest.Server, forges *scm.Forges) {
		var since time.Time
		server.Change(func(w *scmtest.World) {
			w.Talk.Writers = []string{"ana"}
			w.Talk.Say(1, "ana", "/trueup preview old")
			w.Talk.Say(1, "bob", "hi")
			since = w.Talk.Say(1, "ana", "/trueup sync web").Created
			w.Talk.Say(1, "bob", "/trueup preview")
			w.Talk.Say(1, "eve", "/trueup preview")
			w.Talk.Say(1, "bob", "text")
			w.Talk.Say(1, "bob", "/trueup help")
			w.Talk.Say(1, scmtest.Me, "/trueup preview")
			if !strings.HasPrefix(k.name, "git") || k.name == "gitlab" { // where these are in the same list
				w.Talk.Say(1, "ana", "/trueup preview inline").Inline = true
			}
			// What is old and was edited since counts for nothing.
			w.Talk.Comments[1][0].Updated = since.Add(time.Hour)
		})
		p, _ := poster(t, k, server, forges)
		requests, err := p.Requests(t.Context(), 1, since)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range requests {
			got = append(got, fmt.Sprintf("%s %v by %s: %v", r.Verb, r.Args, strings.TrimSuffix(r.Comment.Author.Name, "@example.com"), r.Allowed))
		}
		want := []string{"sync [web] by ana: true", "preview [] by bob: false", "preview [] by eve: false", "help [] by bob: true"}
		if k.name == "azure" { // it does not tell
			want[0] = "sync [web] by ana: false"
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestDeployments: one record for each commit and environment.
func TestDeployments(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind, server *scmtest.Server, forges *scm.Forges) {
		_, r := poster(t, k, server, forges)
		if k.name != "github" && k.name != "gitlab" {
			if r.Deployments != nil {
				t.Error("it keeps deployments")
			}
			return
		}
		for _, d := range []post.Deployment{
			{Environment: "eu-1", Commit: strings.Repeat("1", 40), Ref: "main", State: post.Pending, Description: "syncing"},
			{Environment: "eu-1", Commit: strings.Repeat("1", 40), Ref: "main", State: post.Pending, Description: "syncing"},
			{Environment: "us 1/a", Commit: strings.Repeat("1", 40), Ref: "main", State: post.Pending, Description: "syncing"},
			{Environment: "eu-1", Commit: strings.Repeat("1", 40), Ref: "main", State: post.Success, Description: "healthy", URL: "https://x.example.com"},
			{Environment: "us 1/a", Commit: strings.Repeat("1", 40), Ref: "main", State: post.Failure, Description: "degraded"},
			{Environment: "eu-1", Commit: strings.Repeat("2", 40), Ref: "main", State: post.Success, Description: "healthy"},
		} {
			if err := r.Deployments.Deploy(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		server.Change(func(w *scmtest.World) {
			for _, d := range w.Talk.Deployments {
				got = append(got, fmt.Sprintf("%s %.7s %s", d.Environment, d.Commit, strings.Join(d.States, ", ")))
			}
		})
		want := []string{"eu-1 1111111 in_progress: syncing, success: healthy", "us 1/a 1111111 in_progress: syncing, failure: degraded", "eu-1 2222222 success: healthy"}
		if k.name == "gitlab" {
			want = []string{"eu-1 1111111 running, success", "us 1/a 1111111 running, failed", "eu-1 2222222 success"}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// everything posts in all ways, without trying again.
func everything(ctx context.Context, r post.Repository) error {
	p := post.NewPoster(r, post.Options{Tries: 1})
	one, err := r.Pulls.Pull(ctx, 1)
	if err != nil {
		return err
	}
	if _, err := r.Pulls.Open(ctx); err != nil {
		return err
	}
	if _, err := p.Comment(ctx, 1, marker+"\ntext"); err != nil {
		return err
	}
	if _, err := p.Comment(ctx, 1, marker+"\nanother"); err != nil {
		return err
	}
	if _, err := p.Status(ctx, 1, one.Head, post.Status{State: post.Success, Description: "done"}); err != nil {
		return err
	}
	if _, err := p.Requests(ctx, 1, time.Time{}); err != nil {
		return err
	}
	if r.Deployments != nil {
		return r.Deployments.Deploy(ctx, post.Deployment{Environment: "eu", Commit: one.Head, Ref: "main", State: post.Success})
	}
	return nil
}

// TestEveryFailureToPost breaks each request in turn, in several ways: there is
// an error of the right kind, without the token, and posting again leaves one
// comment.
func TestEveryFailureToPost(t *testing.T) {
	t.Parallel()
	breaks := []struct {
		name   string
		answer func(w http.ResponseWriter)
		kind   fault.Kind
	}{
		{"a server that broke", func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }, fault.Transient},
		{"a token that ended", func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprintf(w, `{"message":"bad token %s"}`, scmtest.Token)
		}, fault.Denied},
		{"a rate limit", func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprint(w, `{"message":"You have exceeded a secondary rate limit"}`)
		}, fault.Transient},
		{"garbage", func(w http.ResponseWriter) { _, _ = fmt.Fprint(w, `<html>`) }, fault.Transient},
		{"another's words", func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://evil.example.com/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, fault.Denied},
	}
	each(t, func(t *testing.T, k kind, server *scmtest.Server, _ *scm.Forges) {
		prepare := func() {
			server.Change(func(w *scmtest.World) {
				w.Talk = scmtest.Talk{Writers: []string{"ana"}, Version: "1.22.0"}
				w.Talk.Say(1, "ana", "/trueup preview")
			})
		}
		open := func() post.Repository {
			f := scm.New(scm.Options{Objects: withToken(), BitbucketCloud: server.URL + "/2.0"})
			t.Cleanup(f.Close)
			r, err := f.Repository(t.Context(), "sets", k.pulls(server.URL))
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		prepare()
		before := server.Requests()
		if err := everything(t.Context(), open()); err != nil {
			t.Fatal(err)
		}
		requests := server.Requests() - before
		if requests < 9 {
			t.Fatalf("%d requests", requests)
		}
		for victim := 1; victim <= requests; victim++ {
			for turn := range 2 { // over all requests, each way is seen at many
				b := breaks[(victim+turn*3)%len(breaks)]
				prepare()
				count, which := 0, ""
				server.Break(func(w http.ResponseWriter, r *http.Request) bool {
					if count++; count != victim {
						return false
					}
					which = r.Method + " " + r.URL.Path
					b.answer(w)
					return true
				})
				err := everything(t.Context(), open())
				server.Break(nil)
				// What every version has is used where there is no version; and who may
				// do nothing, as far as the forge says, is refused.
				lenient := strings.HasSuffix(which, "/version") || b.kind == fault.Denied && err == nil && isPermission(which)
				if fault.Of(err) != b.kind && !lenient {
					t.Errorf("%s, request %d (%s): %v of kind %s", b.name, victim, which, err, fault.Of(err))
				}
				if err != nil && strings.Contains(err.Error(), scmtest.Token) {
					t.Errorf("%s: the token is in %v", b.name, err)
				}
				if err := everything(t.Context(), open()); err != nil {
					t.Errorf("again after %s at %s: %v", b.name, which, err)
				}
				if diff := cmp.Diff([]string{"bot: another"}, said(server, 1)); diff != "" {
					t.Errorf("again after %s at %s (-want +got):\n%s", b.name, which, diff)
				}
			}
		}
	})
}

func isPermission(request string) bool {
	for _, part := range []string{"/permission", "/members/all/", "/api/1.0/users"} {
		if strings.Contains(request, part) {
			return true
		}
	}
	return false
}

// TestLostAnswer: the forge took a comment, and its answer was lost: trying
// again finds the comment.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind, server *scmtest.Server, forges *scm.Forges) {
		_, r := poster(t, k, server, forges)
		lost := 0
		server.Lose(func(r *http.Request) bool {
			path := r.URL.Path
			if r.Method != http.MethodPost || !strings.HasSuffix(path, "/comments") && !strings.HasSuffix(path, "/notes") && !strings.HasSuffix(path, "/threads") {
				return false
			}
			lost++
			return true
		})
		clock := post.RealClock()
		clock.Wait = func(context.Context, time.Duration) error { return nil }
		got, err := post.NewPoster(r, post.Options{Clock: clock}).Comment(t.Context(), 1, marker+"\ntext")
		if err != nil || got != post.Unchanged || lost != 1 {
			t.Errorf("%s, %v", got, err)
		}
		if diff := cmp.Diff([]string{"bot: text"}, said(server, 1)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestConnect posts with tokens as jobs have them. GitHub Actions' may not ask
// for its user: it learns its name, and sets statuses of commits.
func TestConnect(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		serve func(testing.TB, *scmtest.World) *scmtest.Server
		place func(url string) ci.Place
		token ci.Token
	}{
		"github actions": {scmtest.GitHub, func(url string) ci.Place { return ci.Place{Forge: ci.GitHub, API: url + "/api/v3"} }, ci.Token{Value: scmtest.AppToken}},
		"github":         {scmtest.GitHub, func(url string) ci.Place { return ci.Place{Forge: ci.GitHub, API: url} }, ci.Token{Value: scmtest.Token}},
		"gitlab":         {scmtest.GitLab, func(url string) ci.Place { return ci.Place{Forge: ci.GitLab, API: url} }, ci.Token{Value: scmtest.Token}},
		"gitea":          {scmtest.Gitea, func(url string) ci.Place { return ci.Place{Forge: ci.Gitea, API: url} }, ci.Token{Value: scmtest.Token}},
		"bitbucket":      {scmtest.BitbucketCloud, func(url string) ci.Place { return ci.Place{Forge: ci.Bitbucket, API: url + "/2.0"} }, ci.Token{Value: scmtest.Token, User: "ana", Basic: true}},
		"bitbucket server": {func(t testing.TB, w *scmtest.World) *scmtest.Server { return scmtest.BitbucketServer(t, w, true) },
			func(url string) ci.Place { return ci.Place{Forge: ci.BitbucketServer, API: url} }, ci.Token{Value: scmtest.Token}},
		"azure": {scmtest.Azure, func(url string) ci.Place { return ci.Place{Forge: ci.AzureDevOps, API: url, Organization: "shop"} }, ci.Token{Value: scmtest.Token, Basic: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := tc.serve(t, scmtest.Shop())
			server.Change(func(w *scmtest.World) { w.Talk.Writers = []string{"ana"} })
			forges := scm.New(scm.Options{})
			defer forges.Close()
			place := tc.place(server.URL)
			if place.Owner, place.Repo = "shop", "web"; place.Forge == ci.AzureDevOps {
				place.Owner = "store"
			}
			r, err := forges.Connect(t.Context(), place, tc.token)
			if err != nil {
				t.Fatal(err)
			}
			if err := everything(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"bot: another"}, said(server, 1)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			server.Change(func(w *scmtest.World) {
				if n := len(w.Talk.Statuses); n != 1 || strings.Contains(w.Talk.Statuses[0].State, "/") {
					t.Errorf("statuses %v", w.Talk.Statuses)
				}
			})
			nobody, err := forges.Connect(t.Context(), place, ci.Token{})
			if err != nil {
				t.Fatal(err)
			}
			if err := everything(t.Context(), nobody); fault.Of(err) != fault.Denied {
				t.Errorf("without a token: %v", err)
			}
		})
	}
	forges := scm.New(scm.Options{})
	defer forges.Close()
	for _, place := range []ci.Place{{}, {Forge: ci.Gitea, Owner: "a", Repo: "b"}, {Forge: ci.GitHub, Owner: "a/b", Repo: "c"}, {Forge: ci.AzureDevOps, Owner: "a", Repo: "b"}} {
		if _, err := forges.Connect(t.Context(), place, ci.Token{}); fault.Of(err) != fault.Invalid {
			t.Errorf("%v: %v", place, err)
		}
	}
}

// TestJobToken is sent in a header of its own.
func TestJobToken(t *testing.T) {
	t.Parallel()
	server := scmtest.GitLab(t, scmtest.Shop())
	var got []string
	server.Break(func(w http.ResponseWriter, r *http.Request) bool {
		got = append(got, r.Header.Get("Job-Token")+"|"+r.Header.Get("Private-Token"))
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	forges := scm.New(scm.Options{REST: rest.Options{}})
	defer forges.Close()
	r, err := forges.Connect(t.Context(), ci.Place{Forge: ci.GitLab, API: server.URL, Owner: "shop", Repo: "web"}, ci.Token{Value: "x", Job: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Pulls.Pull(t.Context(), 1); fault.Of(err) != fault.Denied {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string{"x|"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
