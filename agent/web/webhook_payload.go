package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strings"
)

// errNoPush means that only the body tells that no ref moved.
var errNoPush = errors.New("not a push")

// read gives all URLs that a body has for its repository. Nothing else of it
// is looked at.
func (p provider) read(contentType string, body []byte) ([]string, error) {
	if kind, _, err := mime.ParseMediaType(contentType); err == nil && kind == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, errors.New("the body is not the form that its type says")
		}
		body = []byte(form.Get("payload"))
	}
	urls, err := p.decode(body)
	if err != nil {
		return nil, err
	}
	slices.Sort(urls)
	urls = slices.DeleteFunc(slices.Compact(urls), func(u string) bool { return u == "" })
	if len(urls) == 0 {
		return nil, errors.New("the body names no repository")
	}
	return urls, nil
}

func decode[T any](body []byte) (T, error) {
	var into T
	if err := json.Unmarshal(body, &into); err != nil {
		return into, fmt.Errorf("the body is not what this event has: %w", err)
	}
	return into, nil
}

// decodeGitHub is for those who write as GitHub does.
func decodeGitHub(body []byte) ([]string, error) {
	p, err := decode[struct {
		Repository struct {
			CloneURL string `json:"clone_url"`
			SSHURL   string `json:"ssh_url"`
			HTMLURL  string `json:"html_url"`
		} `json:"repository"`
	}](body)
	r := p.Repository
	return []string{r.CloneURL, r.SSHURL, r.HTMLURL}, err
}

func decodeGitLab(body []byte) ([]string, error) {
	p, err := decode[struct {
		Kind    string `json:"object_kind"`
		Event   string `json:"event_name"`
		Project struct {
			HTTP string `json:"git_http_url"`
			SSH  string `json:"git_ssh_url"`
			Web  string `json:"web_url"`
		} `json:"project"`
	}](body)
	if err != nil {
		return nil, err
	}
	kinds := []string{"push", "tag_push", "repository_update"}
	if !slices.Contains(kinds, p.Kind) && !slices.Contains(kinds, p.Event) {
		return nil, errNoPush
	}
	return []string{p.Project.HTTP, p.Project.SSH, p.Project.Web}, nil
}

func decodeBitbucket(body []byte) ([]string, error) {
	p, err := decode[struct {
		Repository struct {
			FullName string `json:"full_name"`
			Links    struct {
				HTML struct {
					Href string `json:"href"`
				} `json:"html"`
			} `json:"links"`
		} `json:"repository"`
	}](body)
	return []string{p.Repository.Links.HTML.Href}, err
}

// decodeBitbucketServer derives the URLs for cloning, which are in no body,
// from the one of the repository's page where that is there.
func decodeBitbucketServer(body []byte) ([]string, error) {
	type link struct {
		Href string `json:"href"`
	}
	p, err := decode[struct {
		Repository struct {
			Slug    string `json:"slug"`
			Project struct {
				Key string `json:"key"`
			} `json:"project"`
			Links struct {
				Clone []link `json:"clone"`
				Self  []link `json:"self"`
			} `json:"links"`
		} `json:"repository"`
	}](body)
	if err != nil {
		return nil, err
	}
	r := p.Repository
	var urls []string
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
	return urls, nil
}
