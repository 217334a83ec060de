package scm

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/wire"
	"github.com/trueup-dev/trueup/internal/scm/azure"
	"github.com/trueup-dev/trueup/internal/scm/bitbucket"
	"github.com/trueup-dev/trueup/internal/scm/gitea"
	"github.com/trueup-dev/trueup/internal/scm/github"
	"github.com/trueup-dev/trueup/internal/scm/gitlab"
	"github.com/trueup-dev/trueup/internal/scm/rest"
)

// Repository is one on a forge.
type Repository struct {
	// Forge is github, gitlab, gitea, bitbucket, bitbucketServer or
	// azureDevOps.
	Forge string
	// API is the address of the forge's API.
	API string
	// Owner is the user, organization, group with its parents, workspace or
	// project; Organization is that of Azure DevOps.
	Owner, Name, Organization string

	web string
}

// Kinds are the forges that can be named.
func Kinds() []string {
	return []string{"github", "gitlab", "gitea", "bitbucket", "bitbucketServer", "azureDevOps"}
}

// Locate finds out which forge a repository's URL is of: by the host, or as
// kind says. api is the address of the API where it does not follow from the
// URL. A host that says nothing is fault.Missing.
func Locate(repoURL, kind, api string) (Repository, error) {
	at, err := transport.NewEndpoint(repoURL)
	if err != nil {
		return Repository{}, fault.New(fault.Invalid, "the repository URL cannot be read")
	}
	if at.Protocol == "file" {
		return Repository{}, fault.New(fault.Missing, "the repository is on a disk, not on a forge")
	}
	kind = cmp.Or(kind, kindOf(at.Host))
	if kind == "" {
		return Repository{}, fault.New(fault.Missing, "the host %s does not tell which forge it is", at.Host)
	}
	parts := strings.Split(strings.Trim(strings.TrimSuffix(strings.TrimRight(at.Path, "/"), ".git"), "/"), "/")
	if kind == "azureDevOps" {
		return azureRepository(at, parts, api)
	}
	// A forge may be below a folder of its host; only GitLab's groups are of
	// any depth.
	least := 2
	if len(parts) < least {
		return Repository{}, fault.New(fault.Invalid, "the path of the repository URL is no owner and a name")
	}
	folder := parts[:len(parts)-least]
	if kind == "bitbucketServer" && len(folder) > 0 && folder[len(folder)-1] == "scm" {
		folder = folder[:len(folder)-1]
	}
	r := Repository{Forge: kind, Owner: parts[len(parts)-2], Name: parts[len(parts)-1]}
	if kind == "gitlab" {
		r.Owner, folder = strings.Join(parts[:len(parts)-1], "/"), nil
	}
	base := root(at)
	base.Path = path.Join("/", path.Join(folder...))
	r.web = strings.TrimRight(base.String(), "/")
	r.API = cmp.Or(api, r.web)
	if api == "" {
		switch at.Host {
		case "github.com":
			r.API = github.DefaultAPI
		case "gitlab.com":
			r.API = gitlab.DefaultAPI
		case "bitbucket.org":
			r.API = bitbucket.CloudAPI
		}
	}
	return r, nil
}

// root is the address of a forge's pages: over https, unless the repository is
// read without it.
func root(at *transport.Endpoint) *url.URL {
	u := &url.URL{Scheme: "https", Host: at.Host}
	if at.Protocol == "http" || at.Protocol == "https" {
		if u.Scheme = at.Protocol; at.Port > 0 && (at.Protocol != "https" || at.Port != 443) && (at.Protocol != "http" || at.Port != 80) {
			u.Host = fmt.Sprintf("%s:%d", at.Host, at.Port)
		}
	}
	return u
}

func kindOf(host string) string {
	host = strings.ToLower(host)
	switch {
	case host == "bitbucket.org":
		return "bitbucket"
	case host == "dev.azure.com", host == "ssh.dev.azure.com", strings.HasSuffix(host, ".visualstudio.com"):
		return "azureDevOps"
	case host == "codeberg.org":
		return "gitea"
	}
	for _, label := range strings.Split(host, ".") {
		switch label {
		case "github", "gitlab", "gitea":
			return label
		case "forgejo":
			return "gitea"
		case "bitbucket":
			return "bitbucketServer"
		}
	}
	return ""
}

// azureRepository reads organization/project/_git/name, as it is over http, and
// v3/organization/project/name, as it is over ssh.
func azureRepository(at *transport.Endpoint, parts []string, api string) (Repository, error) {
	parts = slices.DeleteFunc(parts, func(p string) bool { return p == "_git" })
	if len(parts) > 0 && parts[0] == "v3" {
		parts = parts[1:]
	}
	if org, ok := strings.CutSuffix(at.Host, ".visualstudio.com"); ok {
		parts = append([]string{org}, parts...)
	}
	if len(parts) == 2 {
		parts = append(parts, parts[1]) // a project's own repository has its name
	}
	if len(parts) != 3 {
		return Repository{}, fault.New(fault.Invalid, "the path of the repository URL is no organization, project and name")
	}
	for i, p := range parts {
		if plain, err := url.PathUnescape(p); err == nil {
			parts[i] = plain
		}
	}
	base := root(at)
	if base.Host == "ssh.dev.azure.com" || strings.HasSuffix(base.Host, ".visualstudio.com") {
		base.Host = "dev.azure.com"
	}
	r := Repository{Forge: "azureDevOps", Organization: parts[0], Owner: parts[1], Name: parts[2], web: base.String(), API: api}
	if api == "" && base.Host != "dev.azure.com" {
		r.API = base.String()
	}
	return r, nil
}

// URL is the page of a pull request.
func (r Repository) URL(number int64) string {
	base := r.web
	switch r.Forge {
	case "github":
		return fmt.Sprintf("%s/%s/%s/pull/%d", base, r.Owner, r.Name, number)
	case "gitlab":
		return fmt.Sprintf("%s/%s/%s/-/merge_requests/%d", base, r.Owner, r.Name, number)
	case "gitea":
		return fmt.Sprintf("%s/%s/%s/pulls/%d", base, r.Owner, r.Name, number)
	case "bitbucket":
		return fmt.Sprintf("%s/%s/%s/pull-requests/%d", base, r.Owner, r.Name, number)
	case "bitbucketServer":
		return fmt.Sprintf("%s/projects/%s/repos/%s/pull-requests/%d", base, r.Owner, r.Name, number)
	}
	return fmt.Sprintf("%s/%s/%s/_git/%s/pullrequest/%d", base, url.PathEscape(r.Organization), url.PathEscape(r.Owner), url.PathEscape(r.Name), number)
}

// changes are the pull requests of a repository that a Repository needs.
type changes interface {
	pulls
	Create(ctx context.Context, c rest.Change) (int64, error)
}

// Open finds the open pull request from one branch to another; false is none.
func (f *Forges) Open(ctx context.Context, r Repository, auth wire.Auth, c rest.Change) (number int64, found bool, err error) {
	of, err := f.changes(ctx, r, auth)
	if err != nil {
		return 0, false, in(r.Forge, err)
	}
	all, err := of.List(ctx)
	if err != nil {
		return 0, false, in(r.Forge, err)
	}
	for _, p := range all {
		if p.Branch == c.Branch && p.TargetBranch == c.Base {
			return p.Number, true, nil
		}
	}
	return 0, false, nil
}

// Create opens a pull request. It asks once: who asks again looks with Open
// first.
func (f *Forges) Create(ctx context.Context, r Repository, auth wire.Auth, c rest.Change) (int64, error) {
	of, err := f.changes(ctx, r, auth)
	if err != nil {
		return 0, in(r.Forge, err)
	}
	number, err := of.Create(ctx, c)
	return number, in(r.Forge, err)
}

func (f *Forges) changes(ctx context.Context, r Repository, auth wire.Auth) (changes, error) {
	server := rest.Server{Forge: r.Forge, Base: r.API, Insecure: auth.Insecure, CA: slices.Concat(f.options.RootCA, []byte{'\n'}, auth.CA)}
	if len(f.options.RootCA)+len(auth.CA) == 0 {
		server.CA = nil
	}
	switch r.Forge {
	case "github":
		if r.API != github.DefaultAPI {
			server.Base = enterprise(r.API)
		}
	case "bitbucketServer":
		server.Base = bitbucket.ServerAPI(r.API)
	case "azureDevOps":
		base, err := azure.API(r.API, r.Organization)
		if err != nil {
			return nil, err
		}
		server.Base = base
	}
	a := access{forge: r.Forge, base: r.API}
	var err error
	if server.Credential, err = f.credentialOf(ctx, r, auth); err != nil {
		return nil, err
	}
	s, err := f.client.Session(server)
	if err != nil {
		return nil, err
	}
	switch r.Forge {
	case "github":
		return github.NewPulls(s, a.api(), r.Owner, r.Name)
	case "gitlab":
		return gitlab.NewMerges(s, r.API, r.Owner+"/"+r.Name, "opened", nil)
	case "gitea":
		return gitea.NewPulls(s, r.API, r.Owner, r.Name)
	case "bitbucket":
		return bitbucket.NewCloudPulls(s, r.Owner, r.Name)
	case "bitbucketServer":
		return bitbucket.NewServerPulls(s, r.Owner, r.Name)
	case "azureDevOps":
		return azure.NewPulls(s, r.Owner, r.Name, false)
	}
	return nil, fault.New(fault.Invalid, "%q is no forge: %s", r.Forge, strings.Join(Kinds(), ", "))
}

// credentialOf turns what lets us into a repository into what lets us into the
// API: the password beside a user's name is a token on every forge.
func (f *Forges) credentialOf(ctx context.Context, r Repository, auth wire.Auth) (rest.Credential, error) {
	token := cmp.Or(auth.BearerToken, auth.Password)
	header := func(name, word string) (rest.Credential, error) {
		return rest.Credential{Header: name, Value: word + token, Secrets: []string{token}}, nil
	}
	basic := func(user string) (rest.Credential, error) {
		encoded := base64.StdEncoding.EncodeToString([]byte(user + ":" + token))
		return rest.Credential{Header: "Authorization", Value: "Basic " + encoded, Secrets: []string{token, encoded}}, nil
	}
	switch {
	case r.Forge == "github" && auth.GitHubApp != nil:
		app := *auth.GitHubApp
		if r.API != github.DefaultAPI {
			app.BaseURL = enterprise(cmp.Or(app.BaseURL, r.API))
		}
		return f.installation(ctx, access{forge: r.Forge, base: cmp.Or(app.BaseURL, r.API)}, app)
	case token == "" || auth.SSHPrivateKey != "" && auth.BearerToken == "":
		// What comes with a key opens the key.
		return rest.Credential{}, fault.New(fault.Denied, "there is no token for the forge's API: neither beside the repository's credentials nor given")
	case r.Forge == "gitlab":
		return header("Private-Token", "")
	case r.Forge == "gitea":
		return header("Authorization", "token ")
	case r.Forge == "azureDevOps":
		return basic("")
	case strings.HasPrefix(r.Forge, "bitbucket") && auth.BearerToken == "" && auth.Username != "" && auth.Username != "x-token-auth":
		return basic(auth.Username)
	}
	return header("Authorization", "Bearer ")
}
