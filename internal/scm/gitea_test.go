package scm_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/forgetest"
	"github.com/trueup-dev/trueup/internal/scm"
)

type body = map[string]any

// TestGitea asks a real Gitea.
func TestGitea(t *testing.T) {
	t.Parallel()
	f := forgetest.Start(t)
	f.User("bot")
	f.Call(http.MethodPost, "/orgs", body{"username": "shop", "visibility": "private"}, nil)
	var teams []struct {
		ID int64 `json:"id"`
	}
	f.Call(http.MethodGet, "/orgs/shop/teams", nil, &teams)
	f.Call(http.MethodPut, fmt.Sprintf("/teams/%d/members/bot", teams[0].ID), nil, nil)
	var token struct {
		SHA1 string `json:"sha1"`
	}
	f.Call(http.MethodPost, "/users/bot/tokens", body{"name": "t", "scopes": []string{"read:repository", "read:organization", "read:issue"}}, &token)
	for _, name := range []string{"web", "empty", "old"} {
		f.Call(http.MethodPost, "/orgs/shop/repos", body{"name": name, "private": true, "default_branch": "main", "auto_init": name != "empty"}, nil)
	}
	f.Call(http.MethodPatch, "/repos/shop/old", body{"archived": true}, nil)
	file := func(path, branch, from string) {
		f.Call(http.MethodPost, "/repos/shop/web/contents/"+path, body{"content": "aGkK", "message": "add " + path, "branch": from, "new_branch": branch}, nil)
	}
	file("chart/Chart.yaml", "main", "main")
	file("login.txt", "feat/login", "main")
	file("other.txt", "other", "main")
	file("third.txt", "third", "main")
	var label struct {
		ID int64 `json:"id"`
	}
	var want []string
	for i := range 60 { // more than one page
		name := fmt.Sprintf("label-%02d", i)
		f.Call(http.MethodPost, "/repos/shop/web/labels", body{"name": name, "color": "#00aabb"}, &label)
		want = append(want, name)
	}
	for _, branch := range []string{"feat/login", "other", "third"} {
		p := body{"title": "merge " + branch, "head": branch, "base": "main"}
		if branch == "feat/login" {
			p["labels"] = []int64{label.ID}
		}
		f.Call(http.MethodPost, "/repos/shop/web/pulls", p, nil)
	}

	secret := map[string][]byte{"token": []byte(token.SHA1)}
	forges := scm.New(scm.Options{Objects: objects{secrets: map[string]scm.Secret{"sets/token": {Data: secret}}}})
	t.Cleanup(forges.Close)
	gen := &v1alpha1.SCMProviderGeneratorGitea{Owner: "shop", API: f.URL, TokenRef: tokenRef(), AllBranches: true, ExcludeArchivedRepos: true}
	organization, err := forges.Organization(t.Context(), "sets", &v1alpha1.SCMProviderGenerator{Gitea: gen, CloneProtocol: "https"})
	if err != nil {
		t.Fatal(err)
	}
	repositories, err := organization.Repositories(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(repositories, func(a, b appset.Repository) int { return strings.Compare(a.Name, b.Name) })
	if diff := cmp.Diff([]appset.Repository{
		{Organization: "shop", Name: "empty", URL: f.URL + "/shop/empty"},
		{Organization: "shop", Name: "web", URL: f.URL + "/shop/web", DefaultBranch: "main", Labels: want},
	}, repositories, cmpopts.IgnoreFields(appset.Repository{}, "ID"), cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("repositories (-want +got):\n%s", diff)
	}
	if none, err := organization.Branches(t.Context(), repositories[0]); err != nil || len(none) > 0 {
		t.Errorf("branches of a repository without commits: %v, %v", none, err)
	}
	web := repositories[1]
	branches, err := organization.Branches(t.Context(), web)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, b := range branches {
		names = append(names, b.Name)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"feat/login", "main", "other", "third"}, names); diff != "" {
		t.Errorf("branches (-want +got):\n%s", diff)
	}
	gen.AllBranches = false
	if organization, err = forges.Organization(t.Context(), "sets", &v1alpha1.SCMProviderGenerator{Gitea: gen}); err != nil {
		t.Fatal(err)
	}
	main, err := organization.Branches(t.Context(), web)
	if err != nil || len(main) != 1 || main[0].Name != "main" || len(main[0].SHA) != 40 {
		t.Fatalf("the default branch: %v, %v", main, err)
	}
	if none, err := organization.Branches(t.Context(), repositories[0]); err != nil || len(none) > 0 {
		t.Errorf("the default branch of a repository without commits: %v, %v", none, err)
	}
	for path, want := range map[string]bool{"README.md": true, "chart": true, "chart/Chart.yaml": true, "login.txt": false, "chart/x": false, "no/x": false, "README.md/x": false} {
		if has, err := organization.Has(t.Context(), web, main[0], path); err != nil || has != want {
			t.Errorf("%s: %v, %v, want %v", path, has, err, want)
		}
	}
	testGiteaEnvironments(t, f, forges, secret)
	testGiteaPulls(t, f, forges, branches)
}

// testGiteaEnvironments expands a set again and again, with what its status
// remembers: a pull request gives an application, a push moves it, closing
// takes it away for sure, and a token that ended takes nothing away.
func testGiteaEnvironments(t *testing.T, f *forgetest.Forge, forges *scm.Forges, secret map[string][]byte) {
	t.Helper()
	f.Call(http.MethodPost, "/orgs/shop/repos", body{"name": "preview", "private": true, "default_branch": "main", "auto_init": true}, nil)
	commit := func(file, from string) (sha string) {
		var out struct {
			Commit struct {
				SHA string `json:"sha"`
			} `json:"commit"`
		}
		f.Call(http.MethodPost, "/repos/shop/preview/contents/"+file, body{"content": "aGkK", "message": "add " + file, "branch": from, "new_branch": "feat/Try_it"}, &out)
		return out.Commit.SHA
	}
	set := &v1alpha1.ApplicationSet{}
	set.Name, set.Namespace = "previews", "sets"
	set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{{PullRequest: &v1alpha1.PullRequestGenerator{
		Gitea: &v1alpha1.PullRequestGeneratorGitea{Owner: "shop", Repo: "preview", API: f.URL, TokenRef: tokenRef()},
	}}}
	set.Spec.Template.Name = "{{branch_slug}}-{{number}}"
	set.Spec.Template.Spec.Source = &v1alpha1.ApplicationSource{TargetRevision: "{{head_sha}}"}
	expand := func() (apps []string, verified bool, err error) {
		t.Helper()
		result, err := appset.Generate(t.Context(), set, appset.World{Forges: forges, States: forges})
		if err != nil {
			return nil, false, err
		}
		for _, a := range result.Applications {
			apps = append(apps, a.Name+"@"+a.Spec.Source.TargetRevision)
		}
		answer := result.Answers[0]
		set.Status.Generators = []v1alpha1.GeneratorStatus{{Path: answer.Path, ParameterSets: int64(answer.ParameterSets), PullRequests: answer.PullRequests}}
		return apps, answer.Verified, nil
	}
	check := func(when string, want ...string) {
		t.Helper()
		apps, verified, err := expand()
		if diff := cmp.Diff(want, apps); err != nil || !verified || diff != "" {
			t.Errorf("%s: verified %v, %v (-want +got):\n%s", when, verified, err, diff)
		}
	}
	check("before there is one")
	first := commit("one.txt", "main")
	f.Call(http.MethodPost, "/repos/shop/preview/pulls", body{"title": "try it", "head": "feat/Try_it", "base": "main"}, nil)
	check("opened", "feat-try-it-1@"+first)
	second := commit("two.txt", "feat/Try_it")
	check("pushed to", "feat-try-it-1@"+second)
	good := secret["token"]
	secret["token"] = []byte("not-the-token")
	if apps, _, err := expand(); fault.Of(err) != fault.Denied || apps != nil {
		t.Errorf("with a wrong token: %v, %v", apps, err)
	}
	secret["token"] = good
	f.Call(http.MethodPatch, "/repos/shop/preview/pulls/1", body{"state": "closed"}, nil)
	check("closed")
}

func testGiteaPulls(t *testing.T, f *forgetest.Forge, forges *scm.Forges, branches []appset.Branch) {
	t.Helper()
	pulls := func(labels ...string) *v1alpha1.PullRequestGenerator {
		return &v1alpha1.PullRequestGenerator{Gitea: &v1alpha1.PullRequestGeneratorGitea{Owner: "shop", Repo: "web", API: f.URL, TokenRef: tokenRef(), Labels: labels}}
	}
	list := func(labels ...string) []appset.PullRequest {
		t.Helper()
		got, err := forges.PullRequests(t.Context(), "sets", pulls(labels...))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	gone := func(number int64, labels ...string) bool {
		t.Helper()
		is, err := forges.Gone(t.Context(), "sets", pulls(labels...), number)
		if err != nil {
			t.Errorf("%d: %v", number, err)
		}
		return is
	}
	head := branches[slices.IndexFunc(branches, func(b appset.Branch) bool { return b.Name == "feat/login" })]
	want := []appset.PullRequest{{
		Number: 1, Title: "merge feat/login", Author: "root-of-all", Branch: head.Name, TargetBranch: "main", HeadSHA: head.SHA, Labels: []string{"label-59"},
	}}
	got := list("label-59")
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(appset.PullRequest{}, "Updated")); diff != "" || got[0].Updated.IsZero() {
		t.Errorf("with the label (-want +got):\n%s", diff)
	}
	if n := len(list()); n != 3 {
		t.Errorf("%d pull requests, want 3", n)
	}
	f.Call(http.MethodPatch, "/repos/shop/web/pulls/2", body{"state": "closed"}, nil)
	f.Call(http.MethodPost, "/repos/shop/web/pulls/3/merge", body{"Do": "merge"}, nil)
	if n := len(list()); n != 1 {
		t.Errorf("%d pull requests after one was closed and one merged, want 1", n)
	}
	for number, want := range map[int64]bool{1: false, 2: true, 3: true, 99: true} {
		if got := gone(number); got != want {
			t.Errorf("%d gone: %v, want %v", number, got, want)
		}
	}
	if !gone(1, "label-01") {
		t.Error("a pull request without the label counts")
	}
	f.Call(http.MethodDelete, "/repos/shop/web", nil, nil)
	if _, err := forges.PullRequests(t.Context(), "sets", pulls()); fault.Of(err) != fault.Missing {
		t.Errorf("a repository that is not there: %v", err)
	}
	if is, err := forges.Gone(t.Context(), "sets", pulls(), 1); is || fault.Of(err) != fault.Missing {
		t.Errorf("a pull request of a repository that is not there: %v, %v", is, err)
	}
}
