package web

import (
	"net/http"
	"slices"
)

// provider is a kind of forge: how it is recognised, how it proves who it is,
// and how it tells of a push.
type provider struct {
	name string
	// event is the header that names what happened; a request without it is
	// another provider's. marks are headers that must be there as well.
	event string
	marks []string
	// events are those in which a ref moved.
	events []string
	proofs []proof
	decode func(body []byte) ([]string, error)
}

// providers lists them in the order in which they are recognised: Gitea and
// Forgejo also send the headers of Gogs and GitHub.
func providers() []provider {
	refs := []string{"push", "create", "delete"}
	gitea := []proof{
		{"gitea.secret", "X-Gitea-Signature", true}, {"gitea.secret", "X-Hub-Signature-256", true},
		{"gogs.secret", "X-Gitea-Signature", true}, // what Argo CD takes for Gitea
	}
	return []provider{
		{name: "gitea", event: "X-Gitea-Event", events: refs, proofs: gitea, decode: decodeGitHub},
		{name: "gitea", event: "X-Forgejo-Event", events: refs, proofs: append([]proof{{"gitea.secret", "X-Forgejo-Signature", true}}, gitea...), decode: decodeGitHub},
		{name: "gogs", event: "X-Gogs-Event", events: refs, proofs: []proof{{"gogs.secret", "X-Gogs-Signature", true}}, decode: decodeGitHub},
		{name: "github", event: "X-GitHub-Event", events: refs, proofs: []proof{{"github.secret", "X-Hub-Signature-256", true}}, decode: decodeGitHub},
		{
			name: "gitlab", event: "X-Gitlab-Event", events: []string{"Push Hook", "Tag Push Hook", "System Hook"},
			proofs: []proof{{"gitlab.secret", "X-Gitlab-Token", false}}, decode: decodeGitLab,
		},
		{
			name: "bitbucket", event: "X-Event-Key", marks: []string{"X-Hook-UUID"}, events: []string{"repo:push"},
			proofs: []proof{{"bitbucket.secret", "X-Hub-Signature", true}, {"bitbucket.uuid", "X-Hook-UUID", false}}, decode: decodeBitbucket,
		},
		{
			name: "bitbucketserver", event: "X-Event-Key", events: []string{"repo:refs_changed", "mirror:repo_synchronized"},
			proofs: []proof{{"bitbucketserver.secret", "X-Hub-Signature", true}}, decode: decodeBitbucketServer,
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

func (p provider) pushes(h http.Header) bool { return slices.Contains(p.events, h.Get(p.event)) }
