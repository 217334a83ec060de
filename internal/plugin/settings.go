package plugin

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Objects reads what a plugin generator names. What is not there is
// fault.Missing.
type Objects interface {
	ConfigMap(ctx context.Context, namespace, name string) (map[string]string, error)
	Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
}

// The label of secrets that plugins may get values of, and the secret of
// references that name none, as in Argo CD.
const (
	PartOfLabel   = "app.kubernetes.io/part-of"
	PartOf        = "argocd"
	DefaultSecret = "argocd-secret"
)

const (
	defaultTimeout = 30 * time.Second
	longestTimeout = 10 * time.Minute
)

// settings are how a plugin is reached.
type settings struct {
	url     *url.URL
	token   string
	timeout time.Duration
}

// settings reads a plugin's ConfigMap, and the token that it refers to. All
// that is wrong is told at once.
func (s *Service) settings(ctx context.Context, namespace, name string) (settings, error) {
	data, err := s.Objects.ConfigMap(ctx, namespace, name)
	if err != nil {
		return settings{}, fmt.Errorf("read the plugin's ConfigMap %s: %w", name, err)
	}
	url, errURL := endpoint(data["baseUrl"])
	timeout, errTimeout := requestTimeout(data["requestTimeout"])
	token, errToken := s.token(ctx, namespace, data["token"])
	if err := errors.Join(errURL, errTimeout, errToken); err != nil {
		return settings{}, fmt.Errorf("the plugin's ConfigMap %s: %w", name, err)
	}
	return settings{url: url, token: token, timeout: timeout}, nil
}

// endpoint is where parameters are asked for. The base is not quoted in
// errors: it may hold what it must not.
func endpoint(base string) (*url.URL, error) {
	if base == "" {
		return nil, fault.New(fault.Invalid, "baseUrl is missing")
	}
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fault.New(fault.Invalid, "baseUrl is no http or https URL")
	case u.User != nil:
		return nil, fault.New(fault.Invalid, "baseUrl holds a user; the token is what a plugin knows us by")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fault.New(fault.Invalid, "baseUrl holds a query or a fragment; the path of the request goes after it")
	}
	return u.JoinPath("api", "v1", "getparams.execute"), nil
}

func requestTimeout(text string) (time.Duration, error) {
	if text == "" {
		return defaultTimeout, nil
	}
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 1 || seconds > int(longestTimeout/time.Second) {
		return 0, fault.New(fault.Invalid, "requestTimeout is %q, and must be a number of seconds from 1 to %d", text, int(longestTimeout/time.Second))
	}
	return time.Duration(seconds) * time.Second, nil
}

// token finds the value of a reference: $SECRET:KEY, or $KEY of Argo CD's own
// secret.
func (s *Service) token(ctx context.Context, namespace, ref string) (string, error) {
	rest, ok := strings.CutPrefix(ref, "$")
	if !ok {
		// What is there in place of a reference may be the token itself.
		return "", fault.New(fault.Invalid, "token is no reference to a secret, such as $my-secret:token")
	}
	name, key, ok := strings.Cut(rest, ":")
	if !ok {
		name, key = DefaultSecret, rest
	}
	if name == "" || key == "" {
		return "", fault.New(fault.Invalid, "token is no reference to a secret, such as $my-secret:token")
	}
	secret, err := s.Objects.Secret(ctx, namespace, name)
	if err != nil {
		return "", fmt.Errorf("read the secret %s of the token: %w", name, err)
	}
	if secret.Labels[PartOfLabel] != PartOf {
		return "", fault.New(fault.Denied, "the secret %s is not for plugins: it has no label %s: %s", name, PartOfLabel, PartOf)
	}
	value := strings.TrimSpace(string(secret.Data[key]))
	if value == "" {
		return "", fault.New(fault.Missing, "the secret %s has no value under %s", name, key)
	}
	return value, nil
}
