package scm

import (
	"cmp"
	"context"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/azure"
	"github.com/trueup-dev/trueup/internal/scm/bitbucket"
	"github.com/trueup-dev/trueup/internal/scm/gitea"
	"github.com/trueup-dev/trueup/internal/scm/github"
	"github.com/trueup-dev/trueup/internal/scm/gitlab"
	"github.com/trueup-dev/trueup/internal/scm/rest"
)

// Organization implements appset.Forges.
func (f *Forges) Organization(ctx context.Context, namespace string, gen *v1alpha1.SCMProviderGenerator) (appset.Organization, error) {
	err := exactlyOne("scmProvider", map[string]bool{
		"github": gen.Github != nil, "gitlab": gen.Gitlab != nil, "gitea": gen.Gitea != nil, "bitbucket": gen.Bitbucket != nil,
		"bitbucketServer": gen.BitbucketServer != nil, "azureDevOps": gen.AzureDevOps != nil, "awsCodeCommit": gen.AWSCodeCommit != nil,
	})
	if err != nil {
		return nil, err
	}
	overSSH, err := ssh(gen.CloneProtocol)
	if err != nil {
		return nil, err
	}
	switch {
	case gen.Github != nil:
		g := gen.Github
		a, err := f.githubAccess(ctx, namespace, g.API, g.AppSecretName, g.TokenRef)
		if err != nil {
			return nil, in("github", err)
		}
		return opened(ctx, f, namespace, a, func(s *rest.Session) (*github.Organization, error) {
			return github.NewOrganization(s, a.api(), github.Options{
				Name: g.Organization, AllBranches: g.AllBranches, ExcludeArchived: g.ExcludeArchivedRepos, SSH: overSSH,
			})
		})
	case gen.Gitlab != nil:
		g := gen.Gitlab
		return opened(ctx, f, namespace, gitlabAccess(g.API, g.TokenRef, g.CARef, g.Insecure), func(s *rest.Session) (*gitlab.Group, error) {
			return gitlab.NewGroup(s, g.API, gitlab.Options{
				Group: g.Group, AllBranches: g.AllBranches, Subgroups: g.IncludeSubgroups, Topic: g.Topic, SSH: overSSH,
				Shared:     g.IncludeSharedProjects == nil || *g.IncludeSharedProjects,
				NoArchived: g.IncludeArchivedRepos != nil && !*g.IncludeArchivedRepos,
			})
		})
	case gen.Gitea != nil:
		g := gen.Gitea
		return opened(ctx, f, namespace, giteaAccess(g.API, g.TokenRef, g.Insecure), func(s *rest.Session) (*gitea.Owner, error) {
			return gitea.NewOwner(s, g.API, gitea.Options{Name: g.Owner, AllBranches: g.AllBranches, ExcludeArchived: g.ExcludeArchivedRepos, SSH: overSSH})
		})
	case gen.Bitbucket != nil:
		g := gen.Bitbucket
		a := access{forge: "bitbucket", base: cmp.Or(f.options.BitbucketCloud, bitbucket.CloudAPI), credential: basic("appPasswordRef", g.User, g.AppPasswordRef)}
		return opened(ctx, f, namespace, a, func(s *rest.Session) (*bitbucket.Workspace, error) {
			return bitbucket.NewWorkspace(s, bitbucket.Options{Name: g.Owner, AllBranches: g.AllBranches, SSH: overSSH})
		})
	case gen.BitbucketServer != nil:
		g := gen.BitbucketServer
		a := bitbucketServerAccess(g.API, bitbucketAuth(g.BasicAuth, g.BearerToken), g.CARef, g.Insecure)
		return opened(ctx, f, namespace, a, func(s *rest.Session) (*bitbucket.Project, error) {
			return bitbucket.NewProject(s, bitbucket.Options{Name: g.Project, AllBranches: g.AllBranches, SSH: overSSH})
		})
	case gen.AzureDevOps != nil:
		g := gen.AzureDevOps
		a, err := azureAccess(g.API, g.Organization, "accessTokenRef", g.AccessTokenRef)
		if err != nil {
			return nil, in("azureDevOps", err)
		}
		return opened(ctx, f, namespace, a, func(s *rest.Session) (*azure.Project, error) {
			return azure.NewProject(s, azure.Options{Organization: g.Organization, Project: g.TeamProject, AllBranches: g.AllBranches})
		})
	}
	return nil, fault.New(fault.Invalid, "awsCodeCommit is not supported: list the repositories in a list or git generator instead")
}

// opened makes an organization of a session.
func opened[T appset.Organization](ctx context.Context, f *Forges, namespace string, a access, open func(*rest.Session) (T, error)) (appset.Organization, error) {
	s, err := f.session(ctx, namespace, a)
	if err != nil {
		return nil, in(a.forge, err)
	}
	o, err := open(s)
	if err != nil {
		return nil, in(a.forge, err)
	}
	return o, nil
}

// pulls opens a repository, and gives the labels that pull requests must have
// where the forge leaves that to us.
func (f *Forges) pulls(ctx context.Context, namespace string, gen *v1alpha1.PullRequestGenerator) (pulls, []string, error) {
	if err := onePullRequest(gen); err != nil {
		return nil, nil, err
	}
	a, err := f.pullsAccess(ctx, namespace, gen)
	if err != nil {
		return nil, nil, in(a.forge, err)
	}
	s, err := f.session(ctx, namespace, a)
	if err != nil {
		return nil, nil, in(a.forge, err)
	}
	var labels []string
	var of pulls
	switch {
	case gen.Github != nil:
		labels = gen.Github.Labels
		of, err = github.NewPulls(s, a.api(), gen.Github.Owner, gen.Github.Repo)
	case gen.GitLab != nil:
		// It reads labels in its own way, and so they are left to it.
		of, err = gitlab.NewMerges(s, gen.GitLab.API, gen.GitLab.Project, gen.GitLab.PullRequestState, gen.GitLab.Labels)
	case gen.Gitea != nil:
		labels = gen.Gitea.Labels
		of, err = gitea.NewPulls(s, gen.Gitea.API, gen.Gitea.Owner, gen.Gitea.Repo)
	case gen.Bitbucket != nil:
		of, err = bitbucket.NewCloudPulls(s, gen.Bitbucket.Owner, gen.Bitbucket.Repo)
	case gen.BitbucketServer != nil:
		of, err = bitbucket.NewServerPulls(s, gen.BitbucketServer.Project, gen.BitbucketServer.Repo)
	default:
		labels = gen.AzureDevOps.Labels
		of, err = azure.NewPulls(s, gen.AzureDevOps.Project, gen.AzureDevOps.Repo, gen.TTL != nil)
	}
	return of, labels, in(a.forge, err)
}

func onePullRequest(gen *v1alpha1.PullRequestGenerator) error {
	return exactlyOne("pullRequest", map[string]bool{
		"github": gen.Github != nil, "gitlab": gen.GitLab != nil, "gitea": gen.Gitea != nil, "bitbucket": gen.Bitbucket != nil,
		"bitbucketServer": gen.BitbucketServer != nil, "azuredevops": gen.AzureDevOps != nil,
	})
}

func (f *Forges) pullsAccess(ctx context.Context, namespace string, gen *v1alpha1.PullRequestGenerator) (access, error) {
	switch {
	case gen.Github != nil:
		return f.githubAccess(ctx, namespace, gen.Github.API, gen.Github.AppSecretName, gen.Github.TokenRef)
	case gen.GitLab != nil:
		return gitlabAccess(gen.GitLab.API, gen.GitLab.TokenRef, gen.GitLab.CARef, gen.GitLab.Insecure), nil
	case gen.Gitea != nil:
		return giteaAccess(gen.Gitea.API, gen.Gitea.TokenRef, gen.Gitea.Insecure), nil
	case gen.Bitbucket != nil:
		b := gen.Bitbucket
		return access{forge: "bitbucket", custom: b.API, base: cmp.Or(b.API, f.options.BitbucketCloud, bitbucket.CloudAPI), credential: bitbucketAuth(b.BasicAuth, b.BearerToken)}, nil
	case gen.BitbucketServer != nil:
		b := gen.BitbucketServer
		return bitbucketServerAccess(b.API, bitbucketAuth(b.BasicAuth, b.BearerToken), b.CARef, b.Insecure), nil
	}
	return azureAccess(gen.AzureDevOps.API, gen.AzureDevOps.Organization, "tokenRef", gen.AzureDevOps.TokenRef)
}

// api is what GitHub's library is told: nothing of github.com.
func (a access) api() string {
	if a.base == github.DefaultAPI {
		return ""
	}
	return a.base
}

func gitlabAccess(api string, ref *v1alpha1.SecretRef, ca *v1alpha1.ConfigMapKeyRef, insecure bool) access {
	return access{forge: "gitlab", custom: api, base: cmp.Or(api, gitlab.DefaultAPI), ca: ca, insecure: insecure, credential: token("tokenRef", ref, "Private-Token", "")}
}

func giteaAccess(api string, ref *v1alpha1.SecretRef, insecure bool) access {
	return access{forge: "gitea", custom: api, base: api, insecure: insecure, credential: token("tokenRef", ref, "Authorization", "token ")}
}

func bitbucketServerAccess(api string, auth credentials, ca *v1alpha1.ConfigMapKeyRef, insecure bool) access {
	return access{forge: "bitbucketServer", custom: api, base: bitbucket.ServerAPI(api), ca: ca, insecure: insecure, credential: auth}
}

func azureAccess(api, organization, field string, ref *v1alpha1.SecretRef) (access, error) {
	base, err := azure.API(api, organization)
	a := access{forge: "azureDevOps", custom: api, base: base}
	if ref != nil {
		a.credential = basic(field, "", ref)
	}
	return a, err
}
