package appset_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
)

// fakeForge is one owner's repositories, and one repository's pull requests.
type fakeForge struct {
	Now          metav1.Time          `json:"now"`
	Repositories []fakeRepository     `json:"repositories"`
	Pulls        []appset.PullRequest `json:"pulls"`
	// Closed are numbers that the forge says are gone; others are open.
	Closed []int64 `json:"closed"`
	// Missing has the repository of the pull requests away.
	Missing bool `json:"missing"`

	mu    sync.Mutex
	asked []string
	fail  error
}

type fakeRepository struct {
	appset.Repository
	Branches []fakeBranch `json:"branches"`
}

type fakeBranch struct {
	appset.Branch
	Paths []string `json:"paths"`
}

func (f *fakeForge) now() time.Time { return f.Now.Time }

func (f *fakeForge) Organization(context.Context, string, *v1alpha1.SCMProviderGenerator) (appset.Organization, error) {
	return fakeOrganization{f}, nil
}

func (f *fakeForge) PullRequests(context.Context, string, *v1alpha1.PullRequestGenerator) ([]appset.PullRequest, error) {
	if f.Missing {
		return nil, fault.New(fault.Missing, "the repository is not there")
	}
	return f.Pulls, f.fail
}

func (f *fakeForge) Gone(_ context.Context, _ string, _ *v1alpha1.PullRequestGenerator, number int64) (bool, error) {
	return slices.Contains(f.Closed, number), nil
}

type fakeOrganization struct{ forge *fakeForge }

func (f fakeOrganization) Repositories(context.Context) ([]appset.Repository, error) {
	var out []appset.Repository
	for _, r := range f.forge.Repositories {
		out = append(out, r.Repository)
	}
	return out, nil
}

func (f fakeOrganization) ask(what string) {
	f.forge.mu.Lock()
	defer f.forge.mu.Unlock()
	f.forge.asked = append(f.forge.asked, what)
}

func (f fakeOrganization) Branches(_ context.Context, of appset.Repository) ([]appset.Branch, error) {
	f.ask("branches of " + of.Name)
	var out []appset.Branch
	for _, r := range f.forge.Repositories {
		for _, b := range r.Branches {
			if r.Name == of.Name {
				out = append(out, b.Branch)
			}
		}
	}
	return out, f.forge.fail
}

func (f fakeOrganization) Has(_ context.Context, of appset.Repository, branch appset.Branch, path string) (bool, error) {
	f.ask(path + " in " + of.Name + "@" + branch.Name)
	for _, r := range f.forge.Repositories {
		for _, b := range r.Branches {
			if r.Name == of.Name && b.Name == branch.Name && slices.Contains(b.Paths, path) {
				return true, nil
			}
		}
	}
	return false, nil
}

func shop() *fakeForge {
	repo := func(name string, labels []string, branches ...fakeBranch) fakeRepository {
		return fakeRepository{appset.Repository{Organization: "shop", Name: name, Labels: labels}, branches}
	}
	branch := func(name string, paths ...string) fakeBranch {
		return fakeBranch{appset.Branch{Name: name, SHA: "0123456789abcdef"}, paths}
	}
	return &fakeForge{Repositories: []fakeRepository{
		repo("web", []string{"deploy", "go"}, branch("main", "chart", "chart/values.yaml"), branch("next")),
		repo("api", []string{"deploy"}, branch("main", "chart")),
		repo("docs", nil, branch("main")),
		repo("empty", nil),
	}}
}

func scmSet(filters ...v1alpha1.SCMProviderGeneratorFilter) *v1alpha1.ApplicationSet {
	set := &v1alpha1.ApplicationSet{}
	set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{{SCMProvider: &v1alpha1.SCMProviderGenerator{
		Github: &v1alpha1.SCMProviderGeneratorGithub{Organization: "shop"}, Filters: filters,
	}}}
	set.Spec.Template.Name = "{{repository}}-{{branch}}"
	return set
}

// TestFiltersAskForLittle shows which questions a filter costs.
func TestFiltersAskForLittle(t *testing.T) {
	t.Parallel()
	type filter = v1alpha1.SCMProviderGeneratorFilter
	all := []string{"branches of api", "branches of docs", "branches of empty", "branches of web"}
	for name, tc := range map[string]struct {
		filters     []filter
		apps, asked []string
	}{
		"without filters every branch counts": {nil, []string{"api-main", "docs-main", "web-main", "web-next"}, all},
		"a repository that is left out is not asked for its branches": {
			[]filter{{RepositoryMatch: new("^w")}}, []string{"web-main", "web-next"}, []string{"branches of web"},
		},
		"a pattern may match anywhere": {[]filter{{RepositoryMatch: new("oc")}}, []string{"docs-main"}, []string{"branches of docs"}},
		"a label":                      {[]filter{{LabelMatch: new("^go$")}}, []string{"web-main", "web-next"}, []string{"branches of web"}},
		"conditions of one filter must all hold": {
			[]filter{{RepositoryMatch: new("api"), LabelMatch: new("go")}}, nil, nil,
		},
		"of several filters one is enough": {
			[]filter{{RepositoryMatch: new("api")}, {LabelMatch: new("go")}}, []string{"api-main", "web-main", "web-next"}, []string{"branches of api", "branches of web"},
		},
		"a path is asked for where the branch fits": {
			[]filter{{BranchMatch: new("main"), PathsExist: []string{"chart/"}, RepositoryMatch: new("web")}},
			[]string{"web-main"}, []string{"branches of web", "chart in web@main"},
		},
		"the first path that is missing decides": {
			[]filter{{RepositoryMatch: new("docs"), PathsExist: []string{"chart", "other"}}}, nil, []string{"branches of docs", "chart in docs@main"},
		},
		"a path that must not exist": {
			[]filter{{RepositoryMatch: new("web|docs"), PathsDoNotExist: []string{"./chart/values.yaml"}}}, []string{"docs-main", "web-next"},
			[]string{"branches of docs", "branches of web", "chart/values.yaml in docs@main", "chart/values.yaml in web@main", "chart/values.yaml in web@next"},
		},
		"a path is asked for once, whatever the number of filters": {
			[]filter{{PathsExist: []string{"x"}, RepositoryMatch: new("api")}, {PathsExist: []string{"x", "y"}}, {PathsExist: []string{"chart"}}},
			[]string{"api-main"}, []string{"branches of api", "chart in api@main", "x in api@main"},
		},
		"a filter of repositories and one of branches both count": {
			[]filter{{RepositoryMatch: new("web")}, {BranchMatch: new("next")}}, []string{"web-next"}, []string{"branches of web"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forge := shop()
			result, err := appset.Generate(t.Context(), scmSet(tc.filters...), appset.World{Forges: forge})
			if err != nil {
				t.Fatal(err)
			}
			var apps []string
			for _, a := range result.Applications {
				apps = append(apps, a.Name)
			}
			slices.Sort(forge.asked)
			if diff := cmp.Diff(tc.apps, apps); diff != "" {
				t.Errorf("applications (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.asked, forge.asked); diff != "" {
				t.Errorf("questions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestForgeThatFailsGivesNothing(t *testing.T) {
	t.Parallel()
	forge := shop()
	forge.fail = fault.Later(time.Unix(500, 0), errors.New("the rate limit is used up"))
	result, err := appset.Generate(t.Context(), scmSet(), appset.World{Forges: forge})
	if at, ok := fault.NotBefore(err); !ok || at.Unix() != 500 || len(result.Applications) > 0 || fault.Of(err) != fault.Transient {
		t.Errorf("got %v until %v, and %d applications", err, at, len(result.Applications))
	}
}

// TestNamesOfBranches shows what becomes of branch names, hostile ones too.
func TestNamesOfBranches(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ branch, slug string }{
		{"main", "main"},
		{"feat/New_Login", "feat-new-login"},
		{"fix--it", "fix-it"},
		{"übung & spaß", "ubung-and-spass"},
		{"-_-", ""},
		{"日本", "ri-ben"},
		{`x"}}{{.evil}}; $(rm -rf /)`, "x-evil-rm-rf"},
		{strings.Repeat("a", 60), strings.Repeat("a", 50)},
		{strings.Repeat("ab-", 30), strings.TrimSuffix(strings.Repeat("ab-", 17), "-")},
		{strings.Repeat("a", 50) + "-b", strings.Repeat("a", 50)},
		{strings.Repeat("a", 45) + "-longword", strings.Repeat("a", 45)},
	} {
		set := &v1alpha1.ApplicationSet{}
		set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{{PullRequest: &v1alpha1.PullRequestGenerator{}}}
		set.Spec.Template.Name = "app-{{number}}"
		set.Spec.Template.Annotations = map[string]string{"slug": "{{branch_slug}}", "target": "{{target_branch_slug}}", "branch": "{{branch}}"}
		forge := &fakeForge{Pulls: []appset.PullRequest{{Number: 1, Branch: tc.branch, TargetBranch: tc.branch}}}
		result, err := appset.Generate(t.Context(), set, appset.World{Forges: forge})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"slug": tc.slug, "target": tc.slug, "branch": tc.branch}
		if diff := cmp.Diff(want, result.Applications[0].Annotations); diff != "" || len(tc.slug) > 50 {
			t.Errorf("%q (-want +got):\n%s", tc.branch, diff)
		}
	}
}

// TestConfirmedAnswers shows when an answer counts as complete.
func TestConfirmedAnswers(t *testing.T) {
	t.Parallel()
	const path, repository = "generators[0].pullRequest", "https://api.github.com shop/web"
	before := func(sets int64, numbers ...int64) []v1alpha1.GeneratorStatus {
		s := v1alpha1.GeneratorStatus{Path: path, ParameterSets: sets}
		if len(numbers) > 0 {
			s.PullRequests = []v1alpha1.RepositoryPullRequests{{Repository: repository, Numbers: numbers}}
		}
		return []v1alpha1.GeneratorStatus{s}
	}
	given := func(numbers ...int64) []v1alpha1.RepositoryPullRequests {
		return []v1alpha1.RepositoryPullRequests{{Repository: repository, Numbers: numbers}}
	}
	at := func(path, repository string, numbers ...int64) []v1alpha1.GeneratorStatus {
		return []v1alpha1.GeneratorStatus{{Path: path, ParameterSets: int64(len(numbers)), PullRequests: []v1alpha1.RepositoryPullRequests{{Repository: repository, Numbers: numbers}}}}
	}
	const matrix = "generators[1].matrix.generators[1].pullRequest"
	for name, tc := range map[string]struct {
		before       []v1alpha1.GeneratorStatus
		applications int64
		listed, gone []int64
		blind        bool
		want         appset.Answer
		fails        bool
	}{
		"there was none, and there is none":          {want: appset.Answer{Verified: true, PullRequests: given()}},
		"the same ones":                              {before: before(2, 1, 2), listed: []int64{1, 2}, want: appset.Answer{ParameterSets: 2, Verified: true, PullRequests: given(1, 2)}},
		"the last one is gone":                       {before: before(1, 1), gone: []int64{1}, want: appset.Answer{Verified: true, PullRequests: given()}},
		"one of two is gone":                         {before: before(2, 1, 2), listed: []int64{2}, gone: []int64{1}, want: appset.Answer{ParameterSets: 1, Verified: true, PullRequests: given(2)}},
		"one that is open is not listed":             {before: before(2, 1, 2), listed: []int64{2}, fails: true},
		"nobody can be asked":                        {before: before(2, 1, 2), listed: []int64{2}, blind: true, want: appset.Answer{ParameterSets: 1, PullRequests: given(2), Lacks: []string{"what became of pull request 1"}}},
		"the status does not say which":              {before: before(2), want: appset.Answer{PullRequests: given()}},
		"it was in a matrix":                         {before: at(matrix, repository, 1, 2), listed: []int64{2}, fails: true},
		"it was in a matrix, and one is gone":        {before: at(matrix, repository, 1, 2), listed: []int64{2}, gone: []int64{1}, want: appset.Answer{ParameterSets: 1, Verified: true, PullRequests: given(2)}},
		"it was in a matrix, and had none":           {before: at(matrix, repository), want: appset.Answer{Verified: true, PullRequests: given()}},
		"it was spelled otherwise":                   {before: at(path, "https://api.github.com Shop/Web", 1), fails: true},
		"it was another repository":                  {before: at(path, "https://api.github.com shop/old", 1), want: appset.Answer{PullRequests: given()}},
		"it was another repository, which had none":  {before: at(path, "https://api.github.com shop/old"), want: appset.Answer{PullRequests: given()}},
		"there was another generator":                {before: []v1alpha1.GeneratorStatus{{Path: "generators[0].list", ParameterSets: 1}}, want: appset.Answer{PullRequests: given()}},
		"there are applications, and nobody says of": {applications: 1, want: appset.Answer{PullRequests: given()}},
		"there was none, says an older status":       {before: before(0), applications: 1, want: appset.Answer{Verified: true, PullRequests: given()}},
		"a new one":                                  {before: before(1, 1), listed: []int64{1, 7}, want: appset.Answer{ParameterSets: 2, Verified: true, PullRequests: given(1, 7)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := &v1alpha1.ApplicationSet{}
			set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{{PullRequest: &v1alpha1.PullRequestGenerator{
				Github: &v1alpha1.PullRequestGeneratorGithub{Owner: "shop", Repo: "web"},
			}}}
			set.Spec.Template.Name = "app-{{number}}"
			set.Status.Generators, set.Status.ResourcesCount = tc.before, tc.applications
			forge := &fakeForge{Closed: tc.gone}
			for _, n := range tc.listed {
				forge.Pulls = append(forge.Pulls, appset.PullRequest{Number: n})
			}
			world := appset.World{Forges: forge, States: forge}
			if tc.blind {
				world.States = nil
			}
			result, err := appset.Generate(t.Context(), set, world)
			if tc.fails {
				if fault.Of(err) != fault.Transient || err == nil {
					t.Errorf("got %v of kind %s, want a transient error", err, fault.Of(err))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			tc.want.Path = path
			if !tc.want.Verified && tc.want.ParameterSets == 0 && len(result.Answers) == 1 {
				if len(result.Answers[0].Empty) != 1 {
					t.Errorf("the question is not told: %+v", result.Answers)
				}
				tc.want.Empty = result.Answers[0].Empty
			}
			if diff := cmp.Diff([]appset.Answer{tc.want}, result.Answers); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}
