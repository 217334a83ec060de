package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Pusher is told what happened to a repository, which is named by all URLs that
// the sender knows of it. It says whom that concerns.
type Pusher interface {
	// Pushed: refs moved.
	Pushed(urls []string) Concerned
	// Changed: a pull request, or the repository itself.
	Changed(urls []string) Concerned
}

// Concerned is how many repositories were polled, how many ApplicationSets
// are looked at again, and in how many repositories a pull request is.
type Concerned struct {
	Repositories    int `json:"repositories"`
	ApplicationSets int `json:"applicationSets,omitempty"`
	PullRequests    int `json:"pullRequests,omitempty"`
}

// Pull is a pull request that has news: a commit, a comment, its end.
type Pull struct {
	// Number is 0 where the sender does not tell it; Head is the commit at its
	// end, empty where that is not told.
	Number int64
	Head   string
}

// WebhookOptions say what webhooks are let in, and what they do.
type WebhookOptions struct {
	// Secrets lists what a sender may prove to know, by the name of the secret
	// in Argo CD: "github.secret". Nobody can prove to know an empty list.
	Secrets func(ctx context.Context, name string) ([]string, error)
	Pusher  Pusher
	// Pulls is told of pull requests, and in how many repositories it looks at
	// one; nil looks at none.
	Pulls func(urls []string, p Pull) int
	// Received, where it is set, is told of each request: who sent it, and
	// what became of it.
	Received func(provider, result string)
}

// Bounds of what strangers may cost. A push of thousands of commits stays
// below the size; one that does not is seen by the next poll.
const (
	maxWebhookBody   = 8 << 20
	parallelWebhooks = 16
)

// What becomes of a webhook.
const (
	accepted     = "accepted"
	ignored      = "ignored"
	unauthorized = "unauthorized"
	unknown      = "unknown"
	malformed    = "malformed"
	tooLarge     = "too_large"
	busy         = "busy"
	failed       = "failed"
)

// refusal is why a webhook has no effect.
type refusal struct {
	code   int
	result string
	why    string
}

func (r *refusal) Error() string { return r.why }

// Webhooks answers POST /api/webhook: 202 for a push or a change of a pull
// request, 204 for what is neither, 401 for who proves nothing.
func Webhooks(o WebhookOptions) http.Handler {
	slots := make(chan struct{}, parallelWebhooks)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/webhook", func(w http.ResponseWriter, r *http.Request) {
		name, concerned, err := "", Concerned{}, error(&refusal{http.StatusServiceUnavailable, busy, "too many webhooks at the same time"})
		select {
		case slots <- struct{}{}:
			name, concerned, err = o.receive(w, r)
			<-slots
		default:
			w.Header().Set("Retry-After", "1")
		}
		result := accepted
		var refused *refusal
		switch {
		case errors.As(err, &refused):
			result = refused.result
		case err != nil:
			result, refused = failed, &refusal{code: http.StatusInternalServerError, why: "the webhook cannot be checked now"}
		}
		if o.Received != nil {
			o.Received(name, result)
		}
		switch {
		case refused == nil:
			answer(w, http.StatusAccepted, concerned)
		case refused.code == http.StatusNoContent:
			w.WriteHeader(http.StatusNoContent)
		default:
			answer(w, refused.code, failure{refused.why})
		}
	})
	return mux
}

// receive checks who sends before it reads more than the headers, as far as
// the provider lets it, and reads nothing from anybody else.
func (o WebhookOptions) receive(w http.ResponseWriter, r *http.Request) (from string, _ Concerned, _ error) {
	none := Concerned{}
	p, ok := identify(r.Header)
	if !ok {
		return "", none, &refusal{http.StatusBadRequest, unknown, "the headers are those of no provider that is supported"}
	}
	checks, err := o.checks(r, p)
	if err != nil {
		return p.name, none, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhookBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return p.name, none, &refusal{http.StatusRequestEntityTooLarge, tooLarge, fmt.Sprintf("the body is larger than %d bytes", maxWebhookBody)}
	case err != nil:
		return p.name, none, &refusal{http.StatusBadRequest, malformed, "the body cannot be read"}
	}
	if !anyOf(checks, body) {
		return p.name, none, &refusal{http.StatusUnauthorized, unauthorized, "the signature is not that of a configured secret"}
	}
	pushed, changed, talked := p.pushes(r.Header), p.alters(r.Header), p.talks(r.Header) && o.Pulls != nil
	if !pushed && !changed && !talked {
		return p.name, none, &refusal{http.StatusNoContent, ignored, "an event of no interest"}
	}
	event, err := p.read(r.Header.Get("Content-Type"), body)
	switch {
	case err != nil:
		return p.name, none, &refusal{http.StatusBadRequest, malformed, err.Error()}
	case event.kind == isPush || event.kind == isUnsaid && pushed:
		return p.name, o.Pusher.Pushed(event.urls), nil
	case event.kind == isOther || talked && event.pull.Number == 0:
		return p.name, none, &refusal{http.StatusNoContent, ignored, "an event of no interest"}
	case talked:
		return p.name, Concerned{PullRequests: o.Pulls(event.urls, event.pull)}, nil
	}
	concerned := o.Pusher.Changed(event.urls)
	if o.Pulls != nil && event.pull.Number > 0 {
		concerned.PullRequests = o.Pulls(event.urls, event.pull)
	}
	return p.name, concerned, nil
}

// checks lists what the body must satisfy, one of them at least. Who sends no
// proof, or proves by a header alone and fails, is refused here.
func (o WebhookOptions) checks(r *http.Request, p provider) ([]check, error) {
	var out []check
	configured := false
	for _, proof := range p.proofs {
		secrets, err := o.Secrets(r.Context(), proof.secret)
		if err != nil {
			return nil, err
		}
		for _, secret := range secrets {
			configured = true
			given := r.Header.Get(proof.header)
			if given == "" {
				continue
			}
			if proof.signed {
				out = append(out, signature{given, secret}.holds)
				continue
			}
			held := same(given, secret)
			if proof.user != "" {
				if held, err = o.basic(r, proof.user, secret); err != nil {
					return nil, err
				}
			}
			if held {
				return []check{func([]byte) bool { return true }}, nil
			}
		}
	}
	switch {
	case !configured:
		return nil, &refusal{http.StatusUnauthorized, unauthorized, "no webhook secret is configured for " + p.name}
	case len(out) == 0:
		return nil, &refusal{http.StatusUnauthorized, unauthorized, "the request does not prove to know the secret that is configured for " + p.name}
	}
	return out, nil
}

// basic compares what a request says of a user and a password.
func (o WebhookOptions) basic(r *http.Request, userSecret, password string) (bool, error) {
	users, err := o.Secrets(r.Context(), userSecret)
	if err != nil {
		return false, err
	}
	user, given, ok := r.BasicAuth()
	known := len(users) == 0
	for _, u := range users {
		known = same(user, u) || known
	}
	return same(given, password) && ok && known, nil
}

// NewWebhookServer returns a server that drops who is slow: a forge sends its
// body at once.
func NewWebhookServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 30 * time.Second, MaxHeaderBytes: 32 << 10,
	}
}
