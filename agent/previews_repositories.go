package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent/previews"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/repourl"
	"github.com/trueup-dev/trueup/internal/scm"
	"github.com/trueup-dev/trueup/internal/scm/ci"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/preview/post"
	"github.com/trueup-dev/trueup/preview/risk"
)

// The fields of a repository's Secret that previews read, beside those of its
// credentials.
const (
	fieldPreviews  = "previews"
	fieldForge     = "forge"
	fieldForgeURL  = "forgeURL"
	fieldToken     = "forgeToken" //nolint:gosec // the name of a field
	fieldFailOn    = "previewFailOn"
	fieldForks     = "previewForks"
	fieldSync      = "previewSync"
	fieldBranches  = "previewBranches"
	fieldType      = "type"
	syncIsAlways   = "always"
	syncIsMerged   = "merged"
	branchesClosed = "restricted"
	branchesOpen   = "trusted"
	previewsCannot = "preview pull requests of %s: %w"
)

// previewed finds the repositories whose pull requests are previewed, in the
// Secrets that let into them. It implements previews.Repositories.
type previewed struct {
	credentials *Credentials
	forges      *scm.Forges
	inUse       func() []string
	options     PreviewOptions
}

var _ previews.Repositories = (*previewed)(nil)

// Previewed implements previews.Repositories.
func (p *previewed) Previewed(ctx context.Context) ([]previews.Repository, error) {
	urls, err := p.urls(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	at := map[string][]string{}
	for _, url := range urls {
		name := place(url)
		if name == "" {
			continue
		}
		if at[name] == nil {
			names = append(names, name)
		}
		at[name] = append(at[name], url)
	}
	slices.Sort(names)
	var out []previews.Repository
	var failures []error
	for _, name := range names {
		r := previews.Repository{Name: name, URLs: at[name]}
		on, err := p.switched(ctx, &r)
		if err != nil {
			failures = append(failures, fmt.Errorf(previewsCannot, name, err))
			continue
		}
		if on {
			out = append(out, r)
		}
	}
	return out, errors.Join(failures...)
}

// urls are those in use, and those that Secrets switch on though nothing uses
// them yet: a first pull request may bring the applications.
func (p *previewed) urls(ctx context.Context) ([]string, error) {
	var list corev1.SecretList
	err := p.credentials.Reader.List(ctx, &list, client.InNamespace(p.credentials.Namespace), client.MatchingLabels{kube.SecretTypeLabel: kube.SecretRepo})
	if err != nil {
		return nil, fmt.Errorf("list repository secrets: %w", err)
	}
	out := p.inUse()
	for i := range list.Items {
		if data := list.Items[i].Data; len(data[fieldPreviews]) > 0 {
			out = append(out, strings.TrimSpace(string(data["url"])))
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { // over HTTP first: that is how tokens are used
		return cmp.Or(cmp.Compare(protocol(a), protocol(b)), cmp.Compare(a, b))
	})
	seen := map[string]bool{}
	return slices.DeleteFunc(out, func(url string) bool {
		key := repourl.Normalize(url)
		was := seen[key]
		seen[key] = true
		return was
	}), nil
}

func protocol(url string) int {
	if strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://") {
		return 0
	}
	return 1
}

// switched reads whether a repository is to be previewed, and how. One that
// cannot be is an error only where a Secret asks for it.
func (p *previewed) switched(ctx context.Context, r *previews.Repository) (bool, error) {
	l, err := p.login(ctx, *r)
	switch {
	case err != nil && l.asked:
		return false, err
	case err != nil || !l.on:
		return false, nil
	}
	r.Settings = l.settings
	slices.SortStableFunc(r.URLs, func(a, b string) int { // the one to read it by is the one that lets in
		return cmp.Compare(strconv.FormatBool(b == l.url), strconv.FormatBool(a == l.url))
	})
	return true, nil
}

// Open implements previews.Repositories.
func (p *previewed) Open(ctx context.Context, r previews.Repository) (post.Repository, error) {
	l, err := p.login(ctx, r)
	if err != nil {
		return post.Repository{}, err
	}
	if !l.on {
		return post.Repository{}, fault.New(fault.Denied, "its previews are switched off")
	}
	return p.forges.Login(ctx, l.place, l.Login)
}

// login is what Secrets say about a repository's forge.
type login struct {
	scm.Login
	place    ci.Place
	settings previews.Settings
	// url is the one whose Secrets let in.
	url string
	// on: it is to be previewed; asked: a Secret says so.
	on, asked bool
}

// login takes the first of a repository's URLs whose Secrets let into the forge.
func (p *previewed) login(ctx context.Context, r previews.Repository) (login, error) {
	var last login
	var failures []error
	for _, url := range r.URLs {
		l, err := p.loginAt(ctx, url)
		if err == nil && l.on {
			return l, nil
		}
		last.asked = last.asked || l.asked
		failures = append(failures, err)
	}
	return last, errors.Join(failures...)
}

func (p *previewed) loginAt(ctx context.Context, url string) (login, error) {
	l := login{on: p.options.Enabled, url: url}
	fields, err := p.credentials.fields(ctx, url)
	if err != nil {
		return l, err
	}
	f := &secretFields{data: fields}
	if f.word(fieldPreviews) != "" {
		l.on = f.flag(fieldPreviews)
		l.asked = l.on || len(f.failed) > 0
	}
	if kind := f.word(fieldType); kind != "" && kind != "git" {
		l.on = false
	}
	if !l.on && len(f.failed) == 0 {
		return l, nil
	}
	l.settings = p.settings(f)
	if err := errors.Join(f.failed...); err != nil {
		return l, fault.Wrap(fault.Invalid, err)
	}
	a, err := p.credentials.access(ctx, url)
	if err != nil {
		return l, err
	}
	forge := ci.Forge(f.word(fieldForge))
	if forge == "" && a.githubApp != nil {
		forge = ci.GitHub
	}
	if l.place, err = ci.Remote(url, forge, f.word(fieldForgeURL)); err != nil {
		return l, fmt.Errorf("find its forge (the fields %s and %s of its Secret say it): %w", fieldForge, fieldForgeURL, err)
	}
	l.CA, l.Insecure = a.ca, a.insecure
	switch token := f.word(fieldToken); {
	case token != "":
		l.Token = ci.Token{Value: token}
	case a.githubApp != nil:
		l.App = a.githubApp
	case a.bearerToken != "":
		l.Token = ci.Token{Value: a.bearerToken}
	case a.password != "" && a.sshPrivateKey == "":
		l.Token = tokenOf(l.place.Forge, a)
	default:
		return l, fault.New(fault.Denied, "no Secret has a token for its forge: a password or bearerToken for HTTP, a GitHub App, or %s", fieldToken)
	}
	return l, nil
}

// tokenOf is a password for Git as the forge's API takes it.
func tokenOf(forge ci.Forge, a access) ci.Token {
	switch forge {
	case ci.Gitea, ci.BitbucketServer:
		return ci.Token{Value: a.password, User: a.username, Basic: true}
	case ci.Bitbucket:
		return ci.Token{Value: a.password, User: a.username, Basic: a.username != "x-token-auth"}
	case ci.AzureDevOps:
		return ci.Token{Value: a.password, Basic: true}
	case ci.GitHub, ci.GitLab:
	}
	return ci.Token{Value: a.password}
}

func (p *previewed) settings(f *secretFields) previews.Settings {
	s := previews.Settings{FailOn: cmp.Or(p.options.FailOn, risk.Off), Forks: previews.ForksRestricted}
	word := func(field string, of ...string) string {
		text := f.word(field)
		if text != "" && !slices.Contains(of, text) {
			f.fail(field, "is none of %s", strings.Join(of, ", "))
			return ""
		}
		return text
	}
	if text := word(fieldFailOn, string(risk.Critical), string(risk.Warning), string(risk.Notice), string(risk.Off)); text != "" {
		s.FailOn = risk.Severity(text)
	}
	if text := word(fieldForks, string(previews.ForksRestricted), string(previews.ForksAsk), string(previews.ForksOff)); text != "" {
		s.Forks = previews.Forks(text)
	}
	s.SyncBefore = word(fieldSync, syncIsMerged, syncIsAlways) == syncIsAlways
	s.TrustBranches = word(fieldBranches, branchesClosed, branchesOpen) == branchesOpen
	word(fieldForge, ci.Forges()...)
	return s
}

// fields are what the Secrets for a URL say: those of the repository itself,
// and where these say nothing, those of the longest prefix.
func (c *Credentials) fields(ctx context.Context, url string) (map[string][]byte, error) {
	own, err := c.registered(ctx, url)
	if err != nil {
		return nil, err
	}
	shared, err := c.secrets(ctx, kube.SecretRepoCreds, func(at string) int { return covers(at, url) })
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, s := range slices.Concat(own, longest(shared, url)) {
		for name, value := range s.Data {
			if len(out[name]) == 0 {
				out[name] = value
			}
		}
	}
	return out, nil
}

// public tells of a place whether nothing lets the agent in that would not let
// in everybody. What cannot be found out is not.
func (c *Credentials) public(ctx context.Context, at snapshot.Location) bool {
	a, err := c.access(ctx, at.RepoURL)
	return err == nil && place(at.RepoURL) != "" && !a.hasCredentials()
}
