package scm

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/wire"
	"github.com/trueup-dev/trueup/internal/scm/github"
	"github.com/trueup-dev/trueup/internal/scm/rest"
)

// access is how a generator says that a forge is reached.
type access struct {
	forge string
	// custom is the address that the generator names, base that of the API.
	custom, base string
	ca           *v1alpha1.ConfigMapKeyRef
	pem          []byte // trusted beside the others
	insecure     bool
	credential   func(ctx context.Context, f *Forges, namespace string) (rest.Credential, error)
}

// trusted adds the certificates of a login to those of everybody.
func (a access) trusted(root []byte) []byte {
	if len(a.pem) == 0 {
		return bytes.Clone(root)
	}
	return append(append(bytes.Clone(root), '\n'), a.pem...)
}

func (f *Forges) session(ctx context.Context, namespace string, a access) (*rest.Session, error) {
	if err := f.allowed(namespace, a.custom); err != nil {
		return nil, err
	}
	server := rest.Server{Forge: a.forge, Base: a.base, Insecure: a.insecure, CA: a.trusted(f.options.RootCA)}
	if a.ca != nil {
		m, err := f.options.Objects.ConfigMap(ctx, namespace, a.ca.ConfigMapName)
		if err != nil {
			return nil, notMissing(fmt.Errorf("caRef: read the config map %s: %w", within(namespace, a.ca.ConfigMapName), err))
		}
		pem, ok := m[a.ca.Key]
		if !ok {
			return nil, fault.New(fault.Invalid, "caRef: the config map %s has no key %q", within(namespace, a.ca.ConfigMapName), a.ca.Key)
		}
		server.CA = append(append(server.CA, '\n'), pem...)
	}
	if a.credential != nil {
		var err error
		if server.Credential, err = a.credential(ctx, f, namespace); err != nil {
			return nil, err
		}
	}
	return f.client.Session(server)
}

// notMissing keeps a Secret that is not there apart from a repository that is
// not there, which a generator may let pass.
func notMissing(err error) error {
	if fault.Of(err) == fault.Missing {
		return fault.Wrap(fault.Invalid, err)
	}
	return err
}

// secret reads a key of a Secret in the set's namespace.
func (f *Forges) secret(ctx context.Context, namespace, field string, ref *v1alpha1.SecretRef) (string, error) {
	s, err := f.options.Objects.Secret(ctx, namespace, ref.SecretName)
	if err != nil {
		return "", notMissing(fmt.Errorf("%s: read the secret %s: %w", field, within(namespace, ref.SecretName), err))
	}
	if f.options.Strict && s.Labels[TokenLabel] != TokenLabelValue {
		return "", fault.New(fault.Denied, "%s: the secret %s is without the label %s: %s, which --tokenref-strict wants",
			field, within(namespace, ref.SecretName), TokenLabel, TokenLabelValue)
	}
	value := strings.TrimSpace(string(s.Data[ref.Key]))
	if value == "" {
		return "", fault.New(fault.Invalid, "%s: the secret %s has nothing under the key %q", field, within(namespace, ref.SecretName), ref.Key)
	}
	return value, nil
}

type credentials = func(context.Context, *Forges, string) (rest.Credential, error)

// token sends a token after a word in a header.
func token(field string, ref *v1alpha1.SecretRef, header, word string) credentials {
	if ref == nil {
		return nil
	}
	return func(ctx context.Context, f *Forges, namespace string) (rest.Credential, error) {
		value, err := f.secret(ctx, namespace, field, ref)
		return rest.Credential{Header: header, Value: word + value, Secrets: []string{value}}, err
	}
}

func basic(field, user string, ref *v1alpha1.SecretRef) credentials {
	return func(ctx context.Context, f *Forges, namespace string) (rest.Credential, error) {
		if ref == nil {
			return rest.Credential{}, fault.New(fault.Invalid, "%s is missing", field)
		}
		value, err := f.secret(ctx, namespace, field, ref)
		encoded := base64.StdEncoding.EncodeToString([]byte(user + ":" + value))
		return rest.Credential{Header: "Authorization", Value: "Basic " + encoded, Secrets: []string{value, encoded}}, err
	}
}

// bitbucketAuth is one of two ways, or none.
func bitbucketAuth(b *v1alpha1.BasicAuthBitbucketServer, t *v1alpha1.BearerToken) credentials {
	switch {
	case t != nil && t.TokenRef != nil:
		return token("bearerToken.tokenRef", t.TokenRef, "Authorization", "Bearer ")
	case b != nil:
		return basic("basicAuth.passwordRef", b.Username, b.PasswordRef)
	}
	return nil
}

// githubAccess is by a token, or by an app whose Secret names the server, too.
func (f *Forges) githubAccess(ctx context.Context, namespace, api, appSecret string, ref *v1alpha1.SecretRef) (access, error) {
	a := access{forge: "github", custom: api, base: api, credential: token("tokenRef", ref, "Authorization", "Bearer ")}
	if appSecret != "" {
		if err := f.allowed(namespace, api); err != nil {
			return a, err
		}
		app, err := f.app(ctx, appSecret)
		if err != nil {
			return a, err
		}
		if api == "" {
			api, a.base = app.BaseURL, app.BaseURL
		}
		app.BaseURL = enterprise(api)
		a.credential = func(ctx context.Context, f *Forges, _ string) (rest.Credential, error) {
			return f.installation(ctx, a, app)
		}
	}
	if a.base == "" {
		a.base = github.DefaultAPI
	}
	return a, nil
}

// enterprise is the API of a server of GitHub Enterprise, by the rule of
// GitHub's library.
func enterprise(api string) string {
	u, err := url.Parse(api)
	if api == "" || err != nil {
		return api
	}
	path := strings.TrimRight(u.Path, "/")
	if !strings.HasSuffix(path, "/api/v3") && !strings.HasPrefix(u.Host, "api.") && !strings.Contains(u.Host, ".api.") {
		path += "/api/v3"
	}
	u.Path = path
	return u.String()
}

// app reads a Secret of the form that repositories' credentials have.
func (f *Forges) app(ctx context.Context, name string) (wire.GitHubApp, error) {
	s, err := f.options.Objects.Secret(ctx, f.options.Namespace, name)
	if err != nil {
		return wire.GitHubApp{}, notMissing(fmt.Errorf("appSecretName: read the secret %s/%s: %w", f.options.Namespace, name, err))
	}
	var failures []error
	number := func(key string) int64 {
		n, err := strconv.ParseInt(strings.TrimSpace(string(s.Data[key])), 10, 64)
		if err != nil || n <= 0 {
			failures = append(failures, fmt.Errorf("%s is not a positive number", key))
		}
		return n
	}
	app := wire.GitHubApp{
		AppID: number("githubAppID"), InstallationID: number("githubAppInstallationID"), PrivateKey: s.Data["githubAppPrivateKey"],
		BaseURL: strings.TrimSpace(string(s.Data["githubAppEnterpriseBaseUrl"])),
	}
	if len(app.PrivateKey) == 0 {
		failures = append(failures, errors.New("githubAppPrivateKey is missing"))
	}
	if err := errors.Join(failures...); err != nil {
		return app, fault.Wrap(fault.Invalid, fmt.Errorf("appSecretName: the secret %s/%s: %w", f.options.Namespace, name, err))
	}
	return app, nil
}

// installation exchanges an app's key for a token. Answers are kept for the
// app, not for its token of an hour.
func (f *Forges) installation(ctx context.Context, a access, app wire.GitHubApp) (rest.Credential, error) {
	server := rest.Server{Forge: a.forge, Base: a.base, Insecure: a.insecure, CA: a.trusted(f.options.RootCA)}
	session, err := f.client.Session(server)
	if err != nil {
		return rest.Credential{}, err
	}
	value, err := f.tokens.Token(ctx, session.HTTP(), app)
	if err != nil {
		if fault.Of(err) == fault.Missing {
			err = fault.Wrap(fault.Denied, err)
		}
		return rest.Credential{}, err
	}
	identity := fmt.Sprintf("app\x00%d\x00%d\x00%s", app.AppID, app.InstallationID, app.PrivateKey)
	return rest.Credential{Header: "Authorization", Value: "Bearer " + value, Identity: identity, Secrets: []string{value}}, nil
}

// within names something in a namespace, which a set of a file may lack.
func within(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}
