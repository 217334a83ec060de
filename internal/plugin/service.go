package plugin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/redact"
)

// What an answer may be at most.
const (
	maxAnswer = 8 << 20
	maxSets   = 50_000
	maxHops   = 3
)

// Service asks plugins. It implements appset.Plugins.
type Service struct {
	Objects Objects
	// Namespace holds ConfigMaps and Secrets of plugins; empty is the set's own.
	Namespace string

	client http.Client
}

var _ appset.Plugins = (*Service)(nil)

// New makes a Service. Nothing is asked yet.
func New(objects Objects, namespace string) *Service {
	return &Service{Objects: objects, Namespace: namespace, client: http.Client{CheckRedirect: sameHost}}
}

// sameHost refuses to carry the token to anybody else, and to turn a question
// into another one.
func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case req.URL.Scheme != first.URL.Scheme || req.URL.Host != first.URL.Host:
		return fault.New(fault.Denied, "it redirects to another host, %s; the token is not sent there", req.URL.Host)
	case req.Method != first.Method:
		return fault.New(fault.Invalid, "it redirects in a way that does not repeat the request; 307 and 308 do")
	case len(via) > maxHops:
		return fault.New(fault.Invalid, "it redirects more than %d times", maxHops)
	}
	return nil
}

type request struct {
	ApplicationSetName string               `json:"applicationSetName"`
	Input              v1alpha1.PluginInput `json:"input"`
}

// Parameters implements appset.Plugins. Numbers of the answer are json.Number.
func (s *Service) Parameters(ctx context.Context, set appset.PluginCaller, gen *v1alpha1.PluginGenerator) ([]map[string]any, error) {
	at, err := s.settings(ctx, cmp.Or(s.Namespace, set.Namespace), gen.ConfigMapRef.Name)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(request{set.Name, gen.Input})
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("write the input: %w", err))
	}
	sets, err := s.ask(ctx, at, body)
	if err != nil {
		err = fmt.Errorf("ask the plugin %s at %s: %w", gen.ConfigMapRef.Name, at.url.Redacted(), err)
		return nil, redact.Values([]string{at.token}).Err(err)
	}
	return sets, nil
}

func (s *Service) ask(ctx context.Context, at settings, body []byte) ([]map[string]any, error) {
	bounded, cancel := context.WithTimeout(ctx, at.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(bounded, http.MethodPost, at.url.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+at.token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	answer, err := s.client.Do(req)
	if err != nil {
		return nil, unreached(ctx, at, err)
	}
	defer answer.Body.Close() //nolint:errcheck // nothing was written
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return nil, unreached(ctx, at, err)
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return nil, refusal(answer.StatusCode, redact.Values([]string{at.token}).Text(string(data)))
	}
	if len(data) > maxAnswer {
		return nil, fault.New(fault.Invalid, "it answers with more than %d MiB", maxAnswer>>20)
	}
	return decode(data)
}

// unreached says why there is no answer. The caller's own end stays what it
// is.
func unreached(ctx context.Context, at settings, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fault.New(fault.Transient, "no answer within %s (requestTimeout of its ConfigMap)", at.timeout)
	}
	var around *url.Error
	if errors.As(err, &around) {
		err = around.Err // method and URL are told already
	}
	return fault.Wrap(fault.Of(err), err)
}

func refusal(status int, body string) error {
	kind := fault.Invalid
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		kind = fault.Denied
	case status == http.StatusNotFound:
		kind = fault.Missing
	case status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500:
		kind = fault.Transient
	}
	text := fmt.Sprintf("it answers %d %s", status, http.StatusText(status))
	if said := excerpt(body); said != "" {
		text += ": " + said
	}
	return fault.New(kind, "%s", text)
}
