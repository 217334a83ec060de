package scm

import (
	"cmp"
	"context"
	"encoding/base64"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/wire"
	"github.com/trueup-dev/trueup/internal/scm/azure"
	"github.com/trueup-dev/trueup/internal/scm/bitbucket"
	"github.com/trueup-dev/trueup/internal/scm/ci"
	"github.com/trueup-dev/trueup/internal/scm/gitea"
	"github.com/trueup-dev/trueup/internal/scm/github"
	"github.com/trueup-dev/trueup/internal/scm/gitlab"
	"github.com/trueup-dev/trueup/internal/scm/rest"
	"github.com/trueup-dev/trueup/preview/post"
)

// Repository opens a repository that previews are posted to, with the
// credentials that a generator of its pull requests names, and within what
// generators are allowed. They must let in to write.
//
// A token of a GitHub App ends after an hour: open the repository again for
// each round of posting; tokens are kept for as long as they work, and what is
// known of the repository's server for an hour.
func (f *Forges) Repository(ctx context.Context, namespace string, gen *v1alpha1.PullRequestGenerator) (post.Repository, error) {
	place, err := placeOf(gen)
	if err != nil {
		return post.Repository{}, err
	}
	a, err := f.pullsAccess(ctx, namespace, gen)
	if err != nil {
		return post.Repository{}, in(a.forge, err)
	}
	place.API = a.api()
	return f.open(ctx, namespace, a, place, gen.Github != nil && gen.Github.AppSecretName != "")
}

// placeOf names the repository of a generator.
func placeOf(gen *v1alpha1.PullRequestGenerator) (ci.Place, error) {
	if err := onePullRequest(gen); err != nil {
		return ci.Place{}, err
	}
	switch {
	case gen.Github != nil:
		return ci.Place{Forge: ci.GitHub, Owner: gen.Github.Owner, Repo: gen.Github.Repo}, nil
	case gen.GitLab != nil:
		return ci.Place{Forge: ci.GitLab, Repo: gen.GitLab.Project}, nil
	case gen.Gitea != nil:
		return ci.Place{Forge: ci.Gitea, Owner: gen.Gitea.Owner, Repo: gen.Gitea.Repo}, nil
	case gen.Bitbucket != nil:
		return ci.Place{Forge: ci.Bitbucket, Owner: gen.Bitbucket.Owner, Repo: gen.Bitbucket.Repo}, nil
	case gen.BitbucketServer != nil:
		return ci.Place{Forge: ci.BitbucketServer, Owner: gen.BitbucketServer.Project, Repo: gen.BitbucketServer.Repo}, nil
	}
	return ci.Place{Forge: ci.AzureDevOps, Owner: gen.AzureDevOps.Project, Repo: gen.AzureDevOps.Repo}, nil
}

// Connect opens a repository with a token that a job of CI has; the zero Token
// is nobody.
func (f *Forges) Connect(ctx context.Context, p ci.Place, t ci.Token) (post.Repository, error) {
	return f.Login(ctx, p, Login{Token: t})
}

// Login lets into a forge: by a token, or by an app of GitHub's.
type Login struct {
	Token ci.Token
	App   *wire.GitHubApp
	// CA are certificates to trust beside the system's, in PEM.
	CA       []byte
	Insecure bool
}

// Login opens a repository as whoever runs the agent says, without regard to
// the addresses that generators may name. As with Repository, open it again for
// each round of posting.
func (f *Forges) Login(ctx context.Context, p ci.Place, l Login) (post.Repository, error) {
	a, err := f.reach(p, l.Token)
	if err != nil {
		return post.Repository{}, in(a.forge, err)
	}
	a.pem, a.insecure = l.CA, l.Insecure
	if l.App != nil && p.Forge == ci.GitHub {
		app := *l.App
		if p.API == "" && app.BaseURL != "" {
			a.base = enterprise(app.BaseURL)
		}
		app.BaseURL = a.base
		a.credential = func(ctx context.Context, f *Forges, _ string) (rest.Credential, error) {
			return f.installation(ctx, a, app)
		}
	}
	p.API = a.api()
	return f.open(ctx, f.options.Namespace, a, p, l.App != nil)
}

// reach says how a forge is reached with a token.
func (f *Forges) reach(p ci.Place, t ci.Token) (access, error) {
	a := access{forge: string(p.Forge), custom: p.API, base: p.API}
	header, word := "Authorization", "Bearer "
	var err error
	switch p.Forge {
	case ci.GitHub:
		a.base = cmp.Or(enterprise(p.API), github.DefaultAPI)
	case ci.GitLab:
		a.base, header, word = cmp.Or(p.API, gitlab.DefaultAPI), "Private-Token", ""
		if t.Job {
			header = "Job-Token"
		}
	case ci.Gitea:
		word = "token "
	case ci.Bitbucket:
		a.base = cmp.Or(p.API, f.options.BitbucketCloud, bitbucket.CloudAPI)
	case ci.BitbucketServer:
		a.base = bitbucket.ServerAPI(p.API)
	case ci.AzureDevOps:
		a.base, err = azure.API(p.API, p.Organization)
	default:
		err = fault.New(fault.Invalid, "%q is not a forge", p.Forge)
	}
	switch {
	case t.Value == "":
	case t.Basic:
		encoded := base64.StdEncoding.EncodeToString([]byte(t.User + ":" + t.Value))
		a.credential = literal(rest.Credential{Header: "Authorization", Value: "Basic " + encoded, Secrets: []string{t.Value, encoded}})
	default:
		a.credential = literal(rest.Credential{Header: header, Value: word + t.Value, Secrets: []string{t.Value}})
	}
	return a, err
}

func literal(c rest.Credential) credentials {
	return func(context.Context, *Forges, string) (rest.Credential, error) { return c, nil }
}

// open gives a repository of a session; app is that of a GitHub App.
func (f *Forges) open(ctx context.Context, namespace string, a access, p ci.Place, app bool) (post.Repository, error) {
	s, err := f.session(ctx, namespace, a)
	if err != nil {
		return post.Repository{}, in(a.forge, err)
	}
	out, err := f.opened.get(opening{place: p, session: s.Key(), app: app}, func() (post.Repository, error) { return of(s, p, app) })
	return out, in(a.forge, err)
}

// of makes a repository; it asks no server.
func of(s *rest.Session, p ci.Place, app bool) (post.Repository, error) {
	switch p.Forge {
	case ci.GitHub:
		return github.NewRepository(s, p.API, p.Owner, p.Repo, app)
	case ci.GitLab:
		project := p.Repo
		if p.Owner != "" {
			project = p.Owner + "/" + p.Repo
		}
		return gitlab.NewProject(s, p.API, project)
	case ci.Gitea:
		return gitea.NewRepository(s, p.API, p.Owner, p.Repo)
	case ci.Bitbucket:
		return bitbucket.NewCloudRepository(s, p.Owner, p.Repo)
	case ci.BitbucketServer:
		return bitbucket.NewServerRepository(s, p.Owner, p.Repo)
	case ci.AzureDevOps:
		return azure.NewRepository(s, p.Owner, p.Repo)
	}
	return post.Repository{}, fault.New(fault.Invalid, "%q is not a forge", p.Forge)
}
