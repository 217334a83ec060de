package web

import (
	"net/http"
	"slices"
	"strings"
)

// provider is a kind of forge: how it is recognised, how it proves who it is,
// and how it tells of a push.
type provider struct {
	name string
	// event is the header that names what happened; a request without it is
	// another provider's. marks are headers that must be there as well.
	event string
	marks []string
	// events are those in which a ref moved, changes those in which a pull
	// request or the repository itself changed; a * at the end stands for any
	// text.
	events, changes []string
	// comments are those in which somebody commented on a pull request.
	comments []string
	proofs   []proof
	decode   func(body []byte) (event, error)
}

// providers lists them in the order in which they are recognised: Gitea and
// Forgejo also send the headers of Gogs and GitHub.
func providers() []provider {
	refs := []string{"push", "create", "delete"}
	others, talk := []string{"pull_request", "pull_request_*", "repository"}, []string{"issue_comment", "pull_request_comment"}
	gitea := []proof{
		{secret: "gitea.secret", header: "X-Gitea-Signature", signed: true}, {secret: "gitea.secret", header: "X-Hub-Signature-256", signed: true},
		{secret: "gogs.secret", header: "X-Gitea-Signature", signed: true}, // what Argo CD takes for Gitea
	}
	return []provider{
		{name: "gitea", event: "X-Gitea-Event", events: refs, changes: others, comments: talk, proofs: gitea, decode: decodeGitHub},
		{name: "gitea", event: "X-Forgejo-Event", events: refs, changes: others, comments: talk, proofs: append([]proof{{secret: "gitea.secret", header: "X-Forgejo-Signature", signed: true}}, gitea...), decode: decodeGitHub},
		{name: "gogs", event: "X-Gogs-Event", events: refs, changes: others, comments: talk, proofs: []proof{{secret: "gogs.secret", header: "X-Gogs-Signature", signed: true}}, decode: decodeGitHub},
		{name: "github", event: "X-GitHub-Event", events: refs, changes: others, comments: talk, proofs: []proof{{secret: "github.secret", header: "X-Hub-Signature-256", signed: true}}, decode: decodeGitHub},
		{
			name: "gitlab", event: "X-Gitlab-Event", events: []string{"Push Hook", "Tag Push Hook", "System Hook"}, changes: []string{"Merge Request Hook", "System Hook"},
			comments: []string{"Note Hook"}, proofs: []proof{{secret: "gitlab.secret", header: "X-Gitlab-Token"}}, decode: decodeGitLab,
		},
		{
			name: "bitbucket", event: "X-Event-Key", marks: []string{"X-Hook-UUID"}, events: []string{"repo:push"}, changes: []string{"pullrequest:*", "repo:updated"},
			proofs: []proof{{secret: "bitbucket.secret", header: "X-Hub-Signature", signed: true}, {secret: "bitbucket.uuid", header: "X-Hook-UUID"}}, decode: decodeBitbucket,
		},
		{
			name: "bitbucketserver", event: "X-Event-Key", events: []string{"repo:refs_changed", "mirror:repo_synchronized"},
			changes: []string{"pr:*", "repo:modified"},
			proofs:  []proof{{secret: "bitbucketserver.secret", header: "X-Hub-Signature", signed: true}}, decode: decodeBitbucketServer,
		},
		{ // the header holds an id: the body says what happened
			name: "azuredevops", event: "X-Vss-Activityid", events: []string{"*"}, changes: []string{"*"},
			proofs: []proof{{secret: "azuredevops.password", user: "azuredevops.username", header: "Authorization"}}, decode: decodeAzure,
		},
	}
}

// identify finds who sends these headers.
func identify(h http.Header) (provider, bool) {
	for _, p := range providers() {
		sent := h.Get(p.event) != ""
		for _, mark := range p.marks {
			sent = sent && h.Get(mark) != ""
		}
		if sent {
			return p, true
		}
	}
	return provider{}, false
}

func (p provider) pushes(h http.Header) bool { return listed(p.events, h.Get(p.event)) }

func (p provider) alters(h http.Header) bool { return listed(p.changes, h.Get(p.event)) }

func (p provider) talks(h http.Header) bool { return listed(p.comments, h.Get(p.event)) }

func listed(events []string, name string) bool {
	return slices.ContainsFunc(events, func(e string) bool {
		prefix, any := strings.CutSuffix(e, "*")
		return e == name || any && strings.HasPrefix(name, prefix)
	})
}
