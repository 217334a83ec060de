package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// event is what a body tells: the URLs of its repository, and what happened
// where the body says that. pull is the pull request that it is about.
type event struct {
	urls []string
	kind kind
	pull Pull
}

type kind int

const (
	isUnsaid kind = iota // the headers say it
	isPush
	isChange
	isOther
)

var commit = regexp.MustCompile(`^[0-9a-f]{40}$`)

// read gives all URLs that a body has for its repository, and its pull request.
// Nothing else of it is looked at.
func (p provider) read(contentType string, body []byte) (event, error) {
	if kind, _, err := mime.ParseMediaType(contentType); err == nil && kind == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return event{}, errors.New("the body is not the form that its type says")
		}
		body = []byte(form.Get("payload"))
	}
	e, err := p.decode(body)
	if err != nil || e.kind == isOther {
		return e, err
	}
	if !commit.MatchString(e.pull.Head) {
		e.pull.Head = "" // of another kind of repository, or shortened
	}
	e.pull.Number = max(e.pull.Number, 0)
	slices.Sort(e.urls)
	e.urls = slices.DeleteFunc(slices.Compact(e.urls), func(u string) bool { return u == "" })
	if len(e.urls) == 0 {
		return event{}, errors.New("the body names no repository")
	}
	return e, nil
}

func decode[T any](body []byte) (T, error) {
	var into T
	if err := json.Unmarshal(body, &into); err != nil {
		return into, fmt.Errorf("the body is not what this event has: %w", err)
	}
	return into, nil
}

// decodeGitHub is for those who write as GitHub does.
func decodeGitHub(body []byte) (event, error) {
	p, err := decode[struct {
		Repository struct {
			CloneURL string `json:"clone_url"`
			SSHURL   string `json:"ssh_url"`
			HTMLURL  string `json:"html_url"`
		} `json:"repository"`
		Pull *struct {
			Number int64 `json:"number"`
			Head   struct {
				SHA string `json:"sha"`
			} `json:"head"`
		} `json:"pull_request"`
		Issue *struct {
			Number int64     `json:"number"`
			Pull   *struct{} `json:"pull_request"`
		} `json:"issue"`
	}](body)
	r := p.Repository
	out := event{urls: []string{r.CloneURL, r.SSHURL, r.HTMLURL}}
	switch {
	case p.Pull != nil:
		out.pull = Pull{p.Pull.Number, p.Pull.Head.SHA}
	case p.Issue != nil && p.Issue.Pull != nil:
		out.pull.Number = p.Issue.Number
	}
	return out, err
}

func decodeGitLab(body []byte) (event, error) {
	p, err := decode[struct {
		Kind    string `json:"object_kind"`
		Event   string `json:"event_name"`
		Project struct {
			HTTP string `json:"git_http_url"`
			SSH  string `json:"git_ssh_url"`
			Web  string `json:"web_url"`
		} `json:"project"`
		Attributes struct {
			IID  int64 `json:"iid"`
			Last struct {
				ID string `json:"id"`
			} `json:"last_commit"`
		} `json:"object_attributes"`
		Merge *struct {
			IID int64 `json:"iid"`
		} `json:"merge_request"` // of a note
	}](body)
	out := event{urls: []string{p.Project.HTTP, p.Project.SSH, p.Project.Web}, kind: isOther}
	pushes := []string{"push", "tag_push", "repository_update"}
	switch {
	case slices.Contains(pushes, p.Kind) || slices.Contains(pushes, p.Event):
		out.kind = isPush
	case p.Kind == "merge_request":
		out.kind, out.pull = isChange, Pull{p.Attributes.IID, p.Attributes.Last.ID}
	case p.Kind == "note" && p.Merge != nil:
		out.kind, out.pull.Number = isChange, p.Merge.IID
	}
	return out, err
}

func decodeBitbucket(body []byte) (event, error) {
	p, err := decode[struct {
		Repository struct {
			FullName string `json:"full_name"`
			Links    struct {
				HTML struct {
					Href string `json:"href"`
				} `json:"html"`
			} `json:"links"`
		} `json:"repository"`
		Pull struct {
			ID int64 `json:"id"`
		} `json:"pullrequest"` // its head is shortened there
	}](body)
	return event{urls: []string{p.Repository.Links.HTML.Href}, pull: Pull{Number: p.Pull.ID}}, err
}

// decodeBitbucketServer derives the URLs for cloning, which are in no body,
// from the one of the repository's page where that is there.
func decodeBitbucketServer(body []byte) (event, error) {
	type link struct {
		Href string `json:"href"`
	}
	type repository struct {
		Slug    string `json:"slug"`
		Project struct {
			Key string `json:"key"`
		} `json:"project"`
		Links struct {
			Clone []link `json:"clone"`
			Self  []link `json:"self"`
		} `json:"links"`
	}
	p, err := decode[struct {
		Repository  repository `json:"repository"`
		PullRequest struct {
			ID   int64 `json:"id"`
			From struct {
				Head string `json:"latestCommit"`
			} `json:"fromRef"`
			To struct {
				Repository repository `json:"repository"`
			} `json:"toRef"`
		} `json:"pullRequest"`
		New repository `json:"new"` // of repo:modified
	}](body)
	if err != nil {
		return event{}, err
	}
	var urls []string
	for _, r := range []repository{p.Repository, p.PullRequest.To.Repository, p.New} {
		for _, l := range r.Links.Clone {
			urls = append(urls, l.Href)
		}
		for _, l := range r.Links.Self {
			before, _, ok := strings.Cut(l.Href, "/projects/")
			if !ok {
				before, _, ok = strings.Cut(l.Href, "/users/")
			}
			u, err := url.Parse(before)
			if !ok || err != nil || r.Slug == "" || r.Project.Key == "" {
				continue
			}
			name := r.Project.Key + "/" + r.Slug
			urls = append(urls, before+"/scm/"+name, "ssh://"+u.Hostname()+"/"+name)
		}
	}
	return event{urls: urls, pull: Pull{p.PullRequest.ID, p.PullRequest.From.Head}}, nil
}
