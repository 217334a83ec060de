package scm_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm"
	"github.com/trueup-dev/trueup/internal/scm/rest"
	"github.com/trueup-dev/trueup/internal/scm/scmtest"
)

// objects are Secrets and config maps by namespace/name.
type objects struct {
	secrets    map[string]scm.Secret
	configMaps map[string]map[string]string
}

func (o objects) Secret(_ context.Context, namespace, name string) (scm.Secret, error) {
	if s, ok := o.secrets[namespace+"/"+name]; ok {
		return s, nil
	}
	return scm.Secret{}, fault.New(fault.Missing, "it is not there")
}

func (o objects) ConfigMap(_ context.Context, namespace, name string) (map[string]string, error) {
	if m, ok := o.configMaps[namespace+"/"+name]; ok {
		return m, nil
	}
	return nil, fault.New(fault.Missing, "it is not there")
}

func withToken() objects {
	return objects{secrets: map[string]scm.Secret{"sets/token": {Data: map[string][]byte{"token": []byte(scmtest.Token + "\n")}}}}
}

func tokenRef() *v1alpha1.SecretRef { return &v1alpha1.SecretRef{SecretName: "token", Key: "token"} }

// kind is a forge of the contract: how it is served, and how generators name
// it.
type kind struct {
	name  string
	serve func(testing.TB, *scmtest.World) *scmtest.Server
	// organization and pulls name the world's owner, and the repository web.
	organization func(url string, allBranches bool) *v1alpha1.SCMProviderGenerator
	pulls        func(url string, labels ...string) *v1alpha1.PullRequestGenerator
	// What the forge does not have: labels of repositories and of pull requests,
	// and archived repositories that are told apart.
	noLabels, noPullLabels, noArchived bool
	// id and name are what it makes of those of the world.
	id, repo func(string) string
	// https alone is what it gives.
	https bool
}

func same(s string) string { return s }

func kinds() []kind {
	return []kind{
		{
			name: "github", serve: scmtest.GitHub, id: same, repo: same,
			organization: func(url string, all bool) *v1alpha1.SCMProviderGenerator {
				return &v1alpha1.SCMProviderGenerator{Github: &v1alpha1.SCMProviderGeneratorGithub{Organization: "shop", API: url, TokenRef: tokenRef(), AllBranches: all, ExcludeArchivedRepos: true}}
			},
			pulls: func(url string, labels ...string) *v1alpha1.PullRequestGenerator {
				return &v1alpha1.PullRequestGenerator{Github: &v1alpha1.PullRequestGeneratorGithub{Owner: "shop", Repo: "web", API: url, TokenRef: tokenRef(), Labels: labels}}
			},
		},
		{
			name: "gitlab", serve: scmtest.GitLab, id: same, repo: same,
			organization: func(url string, all bool) *v1alpha1.SCMProviderGenerator {
				return &v1alpha1.SCMProviderGenerator{Gitlab: &v1alpha1.SCMProviderGeneratorGitlab{Group: "shop", API: url, TokenRef: tokenRef(), AllBranches: all, IncludeArchivedRepos: new(false)}}
			},
			pulls: func(url string, labels ...string) *v1alpha1.PullRequestGenerator {
				return &v1alpha1.PullRequestGenerator{GitLab: &v1alpha1.PullRequestGeneratorGitLab{Project: "shop/web", API: url, TokenRef: tokenRef(), Labels: labels, PullRequestState: "opened"}}
			},
		},
		{
			name: "gitea", serve: scmtest.Gitea, id: same, repo: same,
			organization: func(url string, all bool) *v1alpha1.SCMProviderGenerator {
				return &v1alpha1.SCMProviderGenerator{Gitea: &v1alpha1.SCMProviderGeneratorGitea{Owner: "shop", API: url, TokenRef: tokenRef(), AllBranches: all, ExcludeArchivedRepos: true}}
			},
			pulls: func(url string, labels ...string) *v1alpha1.PullRequestGenerator {
				return &v1alpha1.PullRequestGenerator{Gitea: &v1alpha1.PullRequestGeneratorGitea{Owner: "shop", Repo: "web", API: url, TokenRef: tokenRef(), Labels: labels}}
			},
		},
		{
			name: "bitbucket cloud", serve: scmtest.BitbucketCloud, noLabels: true, noPullLabels: true, noArchived: true, repo: same,
			id: func(id string) string { return "{" + id + "}" },
			organization: func(_ string, all bool) *v1alpha1.SCMProviderGenerator {
				return &v1alpha1.SCMProviderGenerator{Bitbucket: &v1alpha1.SCMProviderGeneratorBitbucket{Owner: "shop", User: "ana", AppPasswordRef: tokenRef(), AllBranches: all}}
			},
			pulls: func(url string, _ ...string) *v1alpha1.PullRequestGenerator {
				return &v1alpha1.PullRequestGenerator{Bitbucket: &v1alpha1.PullRequestGeneratorBitbucket{
					Owner: "shop", Repo: "web", API: url + "/2.0", BasicAuth: &v1alpha1.BasicAuthBitbucketServer{Username: "ana", PasswordRef: tokenRef()},
				}}
			},
		},
		bitbucketServer("bitbucket server, old", false), bitbucketServer("bitbucket server, new", true),
		{
			name: "azure", serve: scmtest.Azure, noLabels: true, id: same, repo: same, https: true,
			organization: func(url string, all bool) *v1alpha1.SCMProviderGenerator {
				return &v1alpha1.SCMProviderGenerator{AzureDevOps: &v1alpha1.SCMProviderGeneratorAzureDevOps{Organization: "shop", TeamProject: "store", API: url, AccessTokenRef: tokenRef(), AllBranches: all}}
			},
			pulls: func(url string, labels ...string) *v1alpha1.PullRequestGenerator {
				return &v1alpha1.PullRequestGenerator{
					AzureDevOps: &v1alpha1.PullRequestGeneratorAzureDevOps{Organization: "shop", Project: "store", Repo: "web", API: url, TokenRef: tokenRef(), Labels: labels},
					TTL:         &metav1.Duration{Duration: time.Hour},
				}
			},
		},
	}
}

func bitbucketServer(name string, modern bool) kind {
	auth := &v1alpha1.BearerToken{TokenRef: tokenRef()}
	return kind{
		name: name, noLabels: true, noPullLabels: true, noArchived: true, id: same, repo: strings.ToUpper,
		serve: func(t testing.TB, w *scmtest.World) *scmtest.Server { return scmtest.BitbucketServer(t, w, modern) },
		organization: func(url string, all bool) *v1alpha1.SCMProviderGenerator {
			return &v1alpha1.SCMProviderGenerator{BitbucketServer: &v1alpha1.SCMProviderGeneratorBitbucketServer{Project: "shop", API: url, BearerToken: auth, AllBranches: all}}
		},
		pulls: func(url string, _ ...string) *v1alpha1.PullRequestGenerator {
			return &v1alpha1.PullRequestGenerator{BitbucketServer: &v1alpha1.PullRequestGeneratorBitbucketServer{Project: "shop", Repo: "web", API: url + "/rest/", BearerToken: auth}}
		},
	}
}

// each runs a part of the contract on every forge.
func each(t *testing.T, run func(t *testing.T, k kind, server *scmtest.Server, forges *scm.Forges)) {
	t.Helper()
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			server := k.serve(t, scmtest.Shop())
			run(t, k, server, forgesAt(t, server, nil))
		})
	}
}

// forgesAt reaches a server; now is nil for the time of day.
func forgesAt(t *testing.T, server *scmtest.Server, now func() time.Time) *scm.Forges {
	t.Helper()
	forges := scm.New(scm.Options{Objects: withToken(), BitbucketCloud: server.URL + "/2.0", REST: rest.Options{Timeout: 20 * time.Second, Now: now}})
	t.Cleanup(forges.Close)
	return forges
}

func TestRepositories(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind, server *scmtest.Server, forges *scm.Forges) {
		for _, protocol := range []string{"", "ssh", "https"} {
			gen := k.organization(server.URL, false)
			gen.CloneProtocol = protocol
			organization, err := forges.Organization(t.Context(), "sets", gen)
			if err != nil {
				t.Fatal(err)
			}
			got, err := organization.Repositories(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var want []appset.Repository
			for _, r := range scmtest.Shop().Repositories {
				if r.Archived && !k.noArchived || k.name == "azure" && len(r.Branches) == 0 {
					continue
				}
				one := appset.Repository{Organization: "shop", Name: k.repo(r.Name), ID: k.id(map[string]string{"web": "11", "api": "12", "empty": "13", "old": "14", "docs": "15"}[r.Name])}
				if one.DefaultBranch = r.Default; (k.name == "bitbucket cloud" || k.name == "gitea") && len(r.Branches) == 0 {
					one.DefaultBranch = ""
				}
				if strings.HasPrefix(k.name, "bitbucket server") {
					one.DefaultBranch, one.Slug = "", r.Name
				}
				if one.URL = scmtest.SSH("shop", r.Name); protocol == "https" || k.https {
					one.URL = scmtest.HTTPS("shop", r.Name)
				}
				if !k.noLabels {
					one.Labels = r.Labels
				}
				want = append(want, one)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("protocol %q (-want +got):\n%s", protocol, diff)
			}
		}
	})
}

func TestBranches(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind, server *scmtest.Server, forges *scm.Forges) {
		for _, all := range []bool{false, true} {
			organization, err := forges.Organization(t.Context(), "sets", k.organization(server.URL, all))
			if err != nil {
				t.Fatal(err)
			}
			repositories, err := organization.Repositories(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, of := range repositories {
				got, err := organization.Branches(t.Context(), of)
				if err != nil {
					t.Fatal(err)
				}
				var want []appset.Branch
				for _, r := range scmtest.Shop().Repositories {
					for _, b := range r.Branches {
						if k.repo(r.Name) == of.Name && (all || b.Name == r.Default) {
							want = append(want, appset.Branch{Name: b.Name, SHA: b.SHA})
						}
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s, all: %v (-want +got):\n%s", of.Name, all, diff)
				}
			}
		}
	})
}

func TestPaths(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind, server *scmtest.Server, forges *scm.Forges) {
		organization, err := forges.Organization(t.Context(), "sets", k.organization(server.URL, false))
		if err != nil {
			t.Fatal(err)
		}
		repositories, err := organization.Repositories(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		web := repositories[slices.IndexFunc(repositories, func(r appset.Repository) bool { return r.Name == k.repo("web") })]
		branches, err := organization.Branches(t.Context(), web)
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]bool{
			"README.md": true, "chart": true, "chart/Chart.yaml": true, "chart/templates": true, "path with space/ü.yaml": true,
			"readme.md": false, "char": false, "chart/Chart": false, "no/such/folder": false, "README.md/x": false,
		} {
			if has, err := organization.Has(t.Context(), web, branches[0], path); err != nil || has != want {
				t.Errorf("%q: %v, %v, want %v", path, has, err, want)
			}
		}
	})
}

func TestPullRequests(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind, server *scmtest.Server, forges *scm.Forges) {
		for _, labels := range [][]string{nil, {"preview"}, {"preview", "x"}} {
			if k.noPullLabels && labels != nil {
				continue
			}
			got, err := forges.PullRequests(t.Context(), "sets", k.pulls(server.URL, labels...))
			if err != nil {
				t.Fatal(err)
			}
			var want []appset.PullRequest
			for _, p := range scmtest.Shop().Repositories[0].Pulls {
				if p.State != "open" || slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(p.Labels, l) }) {
					continue
				}
				one := appset.PullRequest{Number: p.Number, Title: p.Title, Author: p.Author, Branch: p.Branch, TargetBranch: p.Target, HeadSHA: p.SHA, Updated: p.Updated}
				if !k.noPullLabels {
					one.Labels = append([]string(nil), p.Labels...)
				}
				want = append(want, one)
			}
			for i := range got {
				got[i].Labels = append([]string(nil), got[i].Labels...) // no labels are no labels
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("labels %v (-want +got):\n%s", labels, diff)
			}
		}
	})
}

// TestLabelsOfGitLab shows what its lists mean by labels, of all merge requests
// that are open or one by one.
func TestLabelsOfGitLab(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind, server *scmtest.Server, forges *scm.Forges) {
		if k.name != "gitlab" {
			return
		}
		has := map[int64][]string{}
		server.Change(func(w *scmtest.World) {
			pulls := w.Repositories[0].Pulls
			for i := range pulls {
				pulls[i].State = "open"
				pulls[i].Labels = [][]string{nil, {"preview"}, {"preview", "size::l"}}[i%3]
				has[pulls[i].Number] = pulls[i].Labels
			}
		})
		for _, tc := range []struct {
			labels []string
			want   func(labels []string) bool
		}{
			{nil, func([]string) bool { return true }},
			{[]string{""}, func([]string) bool { return true }},
			{[]string{"None"}, func(l []string) bool { return len(l) == 0 }},
			{[]string{"Any"}, func(l []string) bool { return len(l) > 0 }},
			{[]string{"preview, size::l"}, func(l []string) bool { return len(l) == 2 }},
			{[]string{"preview", "other"}, func([]string) bool { return false }},
		} {
			gen := k.pulls(server.URL, tc.labels...)
			listed, err := forges.PullRequests(t.Context(), "sets", gen)
			if err != nil {
				t.Fatal(err)
			}
			for number, labels := range has {
				want := tc.want(labels)
				if is := slices.ContainsFunc(listed, func(p appset.PullRequest) bool { return p.Number == number }); is != want {
					t.Errorf("%q: %d with %q is listed: %v", tc.labels, number, labels, is)
				}
				if gone, err := forges.Gone(t.Context(), "sets", gen, number); err != nil || gone == want {
					t.Errorf("%q: %d with %q is gone: %v, %v", tc.labels, number, labels, gone, err)
				}
			}
		}
	})
}

func TestGone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind, server *scmtest.Server, forges *scm.Forges) {
		labels := []string{"preview"}
		if k.noPullLabels {
			labels = nil
		}
		gen := k.pulls(server.URL, labels...)
		for number, want := range map[int64]bool{1: false, 2: true, 3: true, 4: !k.noPullLabels, 5: false, 99: true} {
			if gone, err := forges.Gone(t.Context(), "sets", gen, number); err != nil || gone != want {
				t.Errorf("%d: %v, %v, want %v", number, gone, err, want)
			}
		}
		server.Change(func(w *scmtest.World) { w.Repositories = w.Repositories[1:] })
		if gone, err := forges.Gone(t.Context(), "sets", gen, 2); fault.Of(err) != fault.Missing || gone {
			t.Errorf("without the repository: %v, %v", gone, err)
		}
		if _, err := forges.PullRequests(t.Context(), "sets", gen); fault.Of(err) != fault.Missing {
			t.Errorf("without the repository: %v", err)
		}
	})
}
