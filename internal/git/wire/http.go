package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/trueup-dev/trueup/internal/fault"
)

// greeted is what a server of version 2 said: it says the same next time.
type greeted struct {
	advert *advert
	// base is where the repository is, after redirects, and secret tells that
	// it may hear our credentials.
	base   string
	secret bool
}

// overHTTP is one conversation: requests stand for themselves.
type overHTTP struct {
	remote *Remote
	client *http.Client
	auth   Auth
	at     greeted
	watch  *watch
	// service is what we talk to: service of uploads, or that of receiving.
	service string
}

func (r *Remote) overHTTP(ctx context.Context, auth Auth, w *watch) (*overHTTP, error) {
	u, err := url.Parse(r.at.String())
	if err != nil {
		return nil, fault.New(fault.Invalid, "the repository URL cannot be read")
	}
	if auth.Username == "" && auth.Password == "" && u.User != nil {
		auth.Username = u.User.Username()
		auth.Password, _ = u.User.Password()
	}
	u.User = nil
	r.mu.Lock()
	client, err := r.http.forAuth(auth)
	r.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if auth.GitHubApp != nil {
		if auth.Password, err = r.tokens.Token(ctx, client, *auth.GitHubApp); err != nil {
			return nil, err
		}
		auth.Username, auth.BearerToken = "x-access-token", ""
	}
	return &overHTTP{remote: r, client: client, auth: auth, watch: w, service: uploadPack, at: greeted{base: strings.TrimRight(u.String(), "/"), secret: true}}, nil
}

// end has nothing to do: the client keeps the connection.
func (h *overHTTP) end(bool) {}

// The services of a repository: that which gives packs, and that which takes
// them.
const (
	uploadPack  = "git-upload-pack"
	receivePack = "git-receive-pack"
)

func (h *overHTTP) greet(ctx context.Context) (*advert, error) {
	h.remote.mu.Lock()
	known := h.remote.known
	h.remote.mu.Unlock()
	infoRefs := "/info/refs?service=" + h.service
	if known != nil && h.service == uploadPack {
		h.at = *known
		return known.advert, nil
	}
	answer, err := h.do(ctx, http.MethodGet, h.at.base+infoRefs, "")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // only read from
	if kind := answer.Header.Get("Content-Type"); kind != "application/x-"+h.service+"-advertisement" {
		return nil, fmt.Errorf("the server does not speak Git's protocol at this URL: it answers with %q", kind)
	}
	a, err := readAdvert(newPktReader(answer.Body))
	if err != nil {
		return nil, err
	}
	to := answer.Request.URL
	base, ok := strings.CutSuffix(to.String(), infoRefs)
	if ok && base != h.at.base {
		h.at.secret = strings.HasPrefix(h.at.base, to.Scheme+"://"+to.Host+"/") || strings.HasPrefix(h.at.base, "http://"+to.Host+"/")
		h.at.base = base
	}
	if a.version2 && h.service == uploadPack {
		h.at.advert = a
		known := h.at
		h.remote.mu.Lock()
		h.remote.known = &known
		h.remote.mu.Unlock()
	}
	return a, nil
}

// forget drops an older greeting; false if a was a fresh one.
func (r *Remote) forget(a *advert) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil || r.known.advert != a {
		return false
	}
	r.known = nil
	return true
}

func (h *overHTTP) ask(ctx context.Context, request string) (io.ReadCloser, error) {
	answer, err := h.do(ctx, http.MethodPost, h.at.base+"/"+h.service, request)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

// do returns an answer of status 200, whose body the caller closes.
func (h *overHTTP) do(ctx context.Context, method, to, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(body))
	if err != nil {
		return nil, fault.New(fault.Invalid, "the repository URL cannot be read")
	}
	req.Header.Set("User-Agent", "git/"+agent)
	if h.service == uploadPack {
		req.Header.Set("Git-Protocol", "version=2")
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-"+h.service+"-request")
		req.Header.Set("Accept", "application/x-"+h.service+"-result")
	}
	if h.at.secret {
		if user, password, ok := h.auth.basic(); ok {
			req.SetBasicAuth(user, password)
		} else if h.auth.BearerToken != "" {
			req.Header.Set("Authorization", "Bearer "+h.auth.BearerToken)
		}
	}
	answer, err := h.client.Do(req)
	if err != nil {
		return nil, bare(err)
	}
	if answer.StatusCode == http.StatusOK {
		answer.Body = watchedBody{h.watch.over(answer.Body), answer.Body}
		return answer, nil
	}
	_ = answer.Body.Close() // what it holds is for people with a browser
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		if h.auth.GitHubApp != nil {
			h.remote.tokens.drop(*h.auth.GitHubApp)
		}
		if req.Header.Get("Authorization") == "" {
			return nil, fault.New(fault.Denied, "authentication required: no credentials are configured for the repository, and the server says %s", answer.Status)
		}
		return nil, fault.New(fault.Denied, "authentication failed: the server refuses the credentials with %s", answer.Status)
	case http.StatusNotFound, http.StatusGone:
		return nil, fault.New(fault.Missing, "repository not found: the server says %s", answer.Status)
	}
	return nil, fmt.Errorf("the server says %s", answer.Status)
}

type watchedBody struct {
	io.Reader
	io.Closer
}

// bare takes the URL out of an error: who reads it has read it already.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
