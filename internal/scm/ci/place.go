package ci

import (
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Forge is a kind of forge.
type Forge string

// The forges.
const (
	GitHub          Forge = "github"
	GitLab          Forge = "gitlab"
	Gitea           Forge = "gitea" // and Forgejo
	Bitbucket       Forge = "bitbucket"
	BitbucketServer Forge = "bitbucketServer" // and Data Center
	AzureDevOps     Forge = "azureDevOps"
)

// Forges are all of them, as users write them.
func Forges() []string {
	return []string{string(GitHub), string(GitLab), string(Gitea), string(Bitbucket), string(BitbucketServer), string(AzureDevOps)}
}

// Place is a repository on a forge.
type Place struct {
	Forge Forge
	// API is the address in the form that generators of ApplicationSets have it:
	// of Gitea and GitLab that of the server; empty for the forge's public one.
	API string
	// Owner is an organization, a user, a group with those that it is in, a
	// workspace, the key of a project, or a team project.
	Owner, Repo string
	// Organization is of Azure DevOps.
	Organization string
}

func (p Place) String() string {
	parts := []string{p.Organization, p.Owner, p.Repo}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "/")
}

// Token is a credential from the environment.
type Token struct {
	// From is the variable that has it, for messages; empty is no token.
	From  string
	Value string
	// User makes it a password of that user.
	User string
	// Basic sends it as a password also where the user has no name.
	Basic bool
	// Job: it is the token of a job of GitLab, which may read, but not comment.
	Job bool
}

// Pull takes the address of a pull request apart: of any forge whose pages
// have their own form. The forge is guessed from the form alone.
func Pull(address string) (Place, int64, error) {
	fail := func(why string) (Place, int64, error) {
		return Place{}, 0, fault.New(fault.Invalid, "the address of the pull request %s: %s", shown(address), why)
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fail("it is not an http or https URL")
	}
	segments := strings.Split(strings.Trim(path.Clean(u.Path), "/"), "/")
	number := func(i int) int64 {
		if i < 0 || i >= len(segments) {
			return 0
		}
		n, err := strconv.ParseInt(segments[i], 10, 64)
		if err != nil || n <= 0 {
			return 0
		}
		return n
	}
	for _, form := range forms {
		at := len(segments) - 1
		for ; at >= 0; at-- {
			if segments[at] == form.word && number(at+1) > 0 {
				break
			}
		}
		if at < 0 {
			continue
		}
		if p, ok := form.place(u, segments[:at]); ok {
			return p, number(at + 1), nil
		}
	}
	return fail("it has the form of no forge's")
}

// form is how addresses of a forge's pull requests look.
type form struct {
	word  string // before the number
	place func(u *url.URL, before []string) (Place, bool)
}

var forms = []form{ //nolint:gochecknoglobals // a table that nobody writes
	{"merge_requests", func(u *url.URL, before []string) (Place, bool) {
		if n := len(before); n >= 3 && before[n-1] == "-" {
			before = before[:n-1]
		}
		n := len(before)
		if n < 2 {
			return Place{}, false
		}
		return Place{Forge: GitLab, API: server(u, "gitlab.com"), Owner: strings.Join(before[:n-1], "/"), Repo: before[n-1]}, true
	}},
	{"pull", func(u *url.URL, before []string) (Place, bool) {
		if len(before) != 2 {
			return Place{}, false
		}
		return Place{Forge: GitHub, API: server(u, "github.com"), Owner: before[0], Repo: before[1]}, true
	}},
	{"pulls", func(u *url.URL, before []string) (Place, bool) {
		n := len(before)
		if n < 2 {
			return Place{}, false
		}
		return Place{Forge: Gitea, API: below(u, before[:n-2]), Owner: before[n-2], Repo: before[n-1]}, true
	}},
	{"pullrequest", azurePlace},
	{"pull-requests", func(u *url.URL, before []string) (Place, bool) {
		n := len(before)
		if u.Host == "bitbucket.org" && n == 2 {
			return Place{Forge: Bitbucket, Owner: before[0], Repo: before[1]}, true
		}
		if n < 4 || before[n-2] != "repos" || before[n-4] != "projects" && before[n-4] != "users" {
			return Place{}, false
		}
		owner := before[n-3]
		if before[n-4] == "users" {
			owner = "~" + owner
		}
		return Place{Forge: BitbucketServer, API: below(u, before[:n-4]), Owner: owner, Repo: before[n-1]}, true
	}},
}

// azurePlace is of .../[organization/]project/_git/repository.
func azurePlace(u *url.URL, before []string) (Place, bool) {
	at := slices.Index(before, "_git")
	if at < 1 || at+2 != len(before) {
		return Place{}, false
	}
	p := Place{Forge: AzureDevOps, Owner: before[at-1], Repo: before[at+1]}
	switch name, old := strings.CutSuffix(u.Host, ".visualstudio.com"); {
	case old:
		p.Organization = name
	case at < 2:
		return Place{}, false
	default:
		p.Organization = before[at-2]
		if u.Host != "dev.azure.com" {
			p.API = below(u, before[:at-2])
		}
	}
	return p, true
}

// server is the address that a URL is on; empty where that is the public one.
func server(u *url.URL, public string) string {
	if u.Host == public {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// below is the address of a server in a folder.
func below(u *url.URL, folder []string) string {
	return strings.TrimSuffix(server(u, "")+"/"+strings.Join(folder, "/"), "/")
}

// Remote takes the address that a repository is cloned from apart. Where the
// forge is empty, it is guessed from the name of the host.
func Remote(address string, forge Forge, api string) (Place, error) {
	host, folder, web := cloned(address)
	segments := strings.Split(strings.Trim(strings.TrimSuffix(folder, ".git"), "/"), "/")
	if forge == "" {
		forge = ofHost(host)
	}
	n := len(segments)
	switch {
	case forge == "":
		return Place{}, fault.New(fault.Invalid, "%s does not tell which forge it is: say --forge", shown(address))
	case forge == AzureDevOps:
		return azureRemote(address, segments, api)
	case n < 2:
		return Place{}, fault.New(fault.Invalid, "%s does not name an owner and a repository", shown(address))
	}
	p := Place{Forge: forge, API: api, Owner: segments[n-2], Repo: segments[n-1]}
	if forge == GitLab {
		p.Owner = strings.Join(segments[:n-1], "/")
	}
	if public := map[Forge]string{GitHub: "github.com", GitLab: "gitlab.com", Bitbucket: "bitbucket.org"}[forge]; p.API == "" && host != public {
		if host == "" {
			return Place{}, fault.New(fault.Invalid, "%s does not tell where the forge is: say --forge-url", shown(address))
		}
		p.API = web
	}
	return p, nil
}

// shown is an address without a user: tokens are put there, too.
func shown(address string) string {
	host, folder, _ := cloned(address)
	if host == "" {
		return folder
	}
	return host + "/" + strings.TrimPrefix(folder, "/")
}

// cloned takes URLs and git@host:path apart; web is where the host's pages
// are likely to be.
func cloned(address string) (host, folder, web string) {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		if u.Scheme == "http" || u.Scheme == "https" {
			return u.Hostname(), u.Path, u.Scheme + "://" + u.Host
		}
		return u.Hostname(), u.Path, "https://" + u.Hostname()
	}
	before, after, ok := strings.Cut(address, ":")
	if !ok || strings.Contains(before, "/") {
		return "", address, ""
	}
	host = before[strings.LastIndex(before, "@")+1:]
	return host, after, "https://" + host
}

// azureRemote is of https://dev.azure.com/ORG/PROJECT/_git/REPO and of
// git@ssh.dev.azure.com:v3/ORG/PROJECT/REPO.
func azureRemote(address string, segments []string, api string) (Place, error) {
	segments = slices.DeleteFunc(segments, func(s string) bool { return s == "_git" || s == "v3" })
	n := len(segments)
	if n < 3 {
		return Place{}, fault.New(fault.Invalid, "%s does not name an organization, a project and a repository", shown(address))
	}
	return Place{Forge: AzureDevOps, API: api, Organization: segments[n-3], Owner: segments[n-2], Repo: segments[n-1]}, nil
}

// ofHost guesses a forge; empty is that the name does not tell.
func ofHost(host string) Forge {
	is := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(host, p) })
	}
	switch {
	case is("github.") || strings.HasSuffix(host, ".ghe.com"):
		return GitHub
	case is("gitlab."):
		return GitLab
	case is("gitea.", "forgejo.") || host == "codeberg.org":
		return Gitea
	case host == "bitbucket.org":
		return Bitbucket
	case is("bitbucket.", "stash."):
		return BitbucketServer
	case is("dev.azure.com", "ssh.dev.azure.com") || strings.HasSuffix(host, ".visualstudio.com"):
		return AzureDevOps
	}
	return ""
}
