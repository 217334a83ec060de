package web

import (
	"net/url"
	"strings"
)

// decodeAzure is for the service hooks of Azure DevOps, whose headers do not
// say what happened.
func decodeAzure(body []byte) (event, error) {
	type repository struct {
		Name    string `json:"name"`
		Remote  string `json:"remoteUrl"`
		Project struct {
			Name string `json:"name"`
		} `json:"project"`
	}
	type pull struct {
		ID         int64      `json:"pullRequestId"`
		Repository repository `json:"repository"`
		Head       struct {
			ID string `json:"commitId"`
		} `json:"lastMergeSourceCommit"`
	}
	p, err := decode[struct {
		Type     string `json:"eventType"`
		Resource struct {
			pull
			Pull pull `json:"pullRequest"` // of a comment
		} `json:"resource"`
	}](body)
	if err != nil {
		return event{}, err
	}
	about, out := p.Resource.pull, event{kind: isChange}
	switch {
	case p.Type == "git.push":
		out.kind = isPush
	case strings.HasPrefix(p.Type, "git.pullrequest."), strings.HasPrefix(p.Type, "git.repo."):
	case p.Type == "ms.vss-code.git-pullrequest-comment-event":
		about = p.Resource.Pull
	default:
		return event{kind: isOther}, nil
	}
	if out.kind == isChange {
		out.pull = Pull{about.ID, about.Head.ID}
	}
	out.urls = azureURLs(about.Repository.Remote, about.Repository.Project.Name, about.Repository.Name)
	return out, nil
}

// azureURLs gives the forms that a repository's URL is written in: a project's
// repository of its own name is told without the project, an organization has
// an old host and a new one, and SSH another.
func azureURLs(remote, project, name string) []string {
	u, err := url.Parse(remote)
	if err != nil || u.Host == "" {
		return nil
	}
	before, _, ok := strings.Cut(u.Path, "/_git/")
	if !ok || project == "" || name == "" {
		return []string{remote}
	}
	before = strings.TrimSuffix(before, "/"+project)
	organization, old := strings.CutSuffix(u.Hostname(), ".visualstudio.com")
	switch {
	case old:
	case u.Hostname() == "dev.azure.com":
		organization = strings.Trim(before, "/")
	default: // a server of one's own: its path ends in the collection
		at := url.URL{Scheme: u.Scheme, Host: u.Host, Path: before + "/" + project}
		return []string{remote, at.JoinPath("_git", name).String(), at.JoinPath(name).String(), "ssh://" + u.Hostname() + at.JoinPath("_git", name).EscapedPath()}
	}
	path := "/" + url.PathEscape(project) + "/_git/" + url.PathEscape(name)
	return []string{
		remote, "https://dev.azure.com/" + organization + path, "https://" + organization + ".visualstudio.com" + path,
		"https://" + organization + ".visualstudio.com/DefaultCollection" + path,
		"ssh://ssh.dev.azure.com/v3/" + organization + "/" + url.PathEscape(project) + "/" + url.PathEscape(name),
		"ssh://vs-ssh.visualstudio.com/v3/" + organization + "/" + url.PathEscape(project) + "/" + url.PathEscape(name),
	}
}
