package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/forgetest"
	"github.com/trueup-dev/trueup/internal/scm"
	"github.com/trueup-dev/trueup/internal/scm/ci"
	"github.com/trueup-dev/trueup/preview/post"
)

// TestPreviewOnGitea posts to a pull request on a real Gitea: one comment, which
// is edited; one with a copied marker is left alone; each head has its status.
func TestPreviewOnGitea(t *testing.T) {
	t.Parallel()
	forge := forgetest.Start(t)
	ana, bot := forge.User("ana"), forge.User("bot")
	repo := forge.Repository(ana, "shop")
	app := fmt.Sprintf(`apiVersion: trueup.dev/v1alpha1
kind: Application
metadata: {name: web, namespace: trueup}
spec:
  project: default
  source: {repoURL: %q, path: web, targetRevision: main}
  destination: {name: eu, namespace: shop}
`, repo.URL)
	repo.Push("Start", map[string]string{"apps/web.yaml": app, "web/deploy.yaml": fmt.Sprintf(deployment, "1.0")})
	repo.PushTo("feature", "Change", map[string]string{"web/deploy.yaml": fmt.Sprintf(deployment, "1.1")})
	number := repo.Open("feature", "Change")
	forge.Call(http.MethodPut, "/repos/ana/shop/collaborators/bot", map[string]any{"permission": "write"}, nil)
	token := forge.Token(bot)
	comments := fmt.Sprintf("/repos/ana/shop/issues/%d/comments", number)
	say := func(text string) { forge.Call(http.MethodPost, comments, map[string]any{"body": text}, nil) }
	say("<!-- trueup:preview v1 instance=ci -->\nmine")
	for i := range 60 {
		say(fmt.Sprint("comment ", i))
	}

	dir := t.TempDir()
	auth := &githttp.BasicAuth{Username: "bot", Password: token}
	clone, err := gogit.PlainClone(dir, false, &gogit.CloneOptions{URL: repo.URL, Auth: auth})
	if err != nil {
		t.Fatal(err)
	}
	env := ci.Environment{ReadFile: os.ReadFile, Getenv: func(name string) string {
		return map[string]string{
			"GITEA_ACTIONS": "true", "GITHUB_SERVER_URL": forge.URL, "GITHUB_REPOSITORY": "ana/shop", "GITHUB_REF": fmt.Sprintf("refs/pull/%d/head", number), "GITEA_TOKEN": token,
		}[name]
	}}
	preview := func(want int) {
		t.Helper()
		code, stdout, stderr := previewIn(t, env, "--ci", "--repo", dir, "--cache-dir", "")
		if code != want || !strings.Contains(stderr, "posted to ana/shop") || strings.Contains(stdout+stderr, token) {
			t.Errorf("%d\n%s\n%s", code, stdout, stderr)
		}
	}
	check := func(head, comment string, statuses ...string) {
		t.Helper()
		var all []struct {
			ID   int64  `json:"id"`
			Body string `json:"body"`
			User struct {
				Login string `json:"login"`
			} `json:"user"`
		}
		forge.Call(http.MethodGet, comments, nil, &all)
		var got []string
		for _, c := range all {
			if marker, rest, _ := strings.Cut(c.Body, "\n"); strings.Contains(marker, "trueup:preview") {
				line, _, _ := strings.Cut(rest, "\n")
				got = append(got, c.User.Login+": "+line)
			}
		}
		if diff := cmp.Diff([]string{"root-of-all: mine", "bot: " + comment}, got); diff != "" {
			t.Errorf("comments (-want +got):\n%s", diff)
		}
		var set []struct {
			Status, Context, Description string
		}
		forge.Call(http.MethodGet, "/repos/ana/shop/commits/"+head+"/statuses?sort=oldest", nil, &set)
		got = nil
		for _, s := range set {
			got = append(got, s.Context+" "+s.Status+": "+s.Description)
		}
		if diff := cmp.Diff(statuses, got); diff != "" {
			t.Errorf("statuses (-want +got):\n%s", diff)
		}
	}
	head := func() string {
		t.Helper()
		ref, err := clone.Reference("refs/remotes/origin/feature", true)
		if err != nil {
			t.Fatal(err)
		}
		return ref.Hash().String()
	}
	one := []string{"trueup/preview pending: looking for what changes", "trueup/preview success: 1 of 1 application changes: 1 update"}
	preview(exitDrift)
	check(head(), "### Preview: 1 of 1 application changes: 1 update", one...)
	preview(exitDrift)
	check(head(), "### Preview: 1 of 1 application changes: 1 update", append(one, one...)...)

	before := head()
	repo.PushTo("feature", "Go back", map[string]string{"web/deploy.yaml": fmt.Sprintf(deployment, "1.0")})
	if err := clone.Fetch(&gogit.FetchOptions{Auth: auth, RefSpecs: []config.RefSpec{"+refs/heads/*:refs/remotes/origin/*"}}); err != nil {
		t.Fatal(err)
	}
	preview(exitOK)
	var all []struct{ Body string }
	forge.Call(http.MethodGet, comments, nil, &all)
	if text, want := all[len(all)-1].Body, fmt.Sprintf("<sub>before: <code>%.7s</code> 1 of 1 application changes: 1 update</sub>", before); strings.Count(text, want) != 1 {
		t.Errorf("the head before, %s, is not told once: %s", before, text)
	}
	check(head(), "### Preview: nothing changes in 1 application", "trueup/preview pending: looking for what changes", "trueup/preview success: nothing changes in 1 application")
	onGitea(t, forge, number, token, ci.Token{From: "x", Value: forge.Token(ana)})
}

// onGitea asks a real Gitea for what the agent asks of a pull request.
func onGitea(t *testing.T, forge *forgetest.Forge, number int64, token string, owner ci.Token) {
	t.Helper()
	forges := scm.New(scm.Options{})
	t.Cleanup(forges.Close)
	connect := func(with ci.Token) post.Repository {
		t.Helper()
		r, err := forges.Connect(t.Context(), ci.Place{Forge: ci.Gitea, API: forge.URL, Owner: "ana", Repo: "shop"}, with)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := connect(owner)
	pull, err := r.Pulls.Pull(t.Context(), number)
	if err != nil || pull.State != post.Open || pull.Fork || pull.Target != "main" || pull.Author.Name != "ana" || len(pull.Base) != 40 || pull.HeadRef != "refs/pull/1/head" {
		t.Errorf("the pull request is %+v, %v", pull, err)
	}
	if traits := r.Traits(t.Context()); !traits.Alerts || !traits.HTML {
		t.Errorf("traits %+v", traits)
	}
	since := pull.Updated
	bot := connect(ci.Token{Value: token})
	for _, body := range []string{"/trueup preview", "not asked"} {
		if _, err := bot.Comments.Create(t.Context(), number, body); err != nil {
			t.Fatal(err)
		}
	}
	requests, err := post.NewPoster(r, post.Options{}).Requests(t.Context(), number, since)
	if err != nil || len(requests) != 1 || requests[0].Verb != post.VerbPreview || requests[0].Comment.Author.Name != "bot" || !requests[0].Allowed {
		t.Errorf("asked for %+v, %v", requests, err)
	}
	eve := forge.User("eve")
	if may, err := r.Accounts.MayWrite(t.Context(), post.Author{Name: eve.Name}); err != nil || may {
		t.Errorf("eve may write: %v, %v", may, err)
	}
	// Who may not administer the repository is not told: nobody is allowed then.
	if may, err := bot.Accounts.MayWrite(t.Context(), post.Author{Name: "ana"}); err == nil || may {
		t.Errorf("told to the bot: %v, %v", may, err)
	}
}
