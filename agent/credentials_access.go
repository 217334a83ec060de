package agent

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/registry"
)

// access is what a secret says about getting into repositories, whatever they
// speak.
type access struct {
	username, password, bearerToken string
	sshPrivateKey, knownHosts       string
	ca, clientCert, clientKey       []byte
	githubApp                       *git.GitHubApp

	insecure, plainHTTP, forceBasic bool
	proxy, noProxy                  string
}

func (a access) hasCredentials() bool {
	return a.username != "" || a.password != "" || a.bearerToken != "" || a.sshPrivateKey != "" || len(a.clientCert) > 0 || a.githubApp != nil
}

// inherit takes the credentials of a prefix, and what else is not said about
// the repository itself.
func (a *access) inherit(from access) {
	a.username, a.password, a.bearerToken, a.sshPrivateKey = from.username, from.password, from.bearerToken, from.sshPrivateKey
	a.clientCert, a.clientKey, a.githubApp = from.clientCert, from.clientKey, from.githubApp
	if a.knownHosts == "" {
		a.knownHosts = from.knownHosts
	}
	if len(a.ca) == 0 {
		a.ca = from.ca
	}
	if a.proxy == "" {
		a.proxy, a.noProxy = from.proxy, from.noProxy
	}
	a.insecure, a.plainHTTP, a.forceBasic = a.insecure || from.insecure, a.plainHTTP || from.plainHTTP, a.forceBasic || from.forceBasic
}

// registry is a in the form of chart repositories and OCI registries.
func (a access) registry() registry.Auth {
	password, token := a.password, a.bearerToken
	if a.forceBasic {
		password, token = cmp.Or(password, token), ""
	}
	return registry.Auth{
		Username: a.username, Password: password, BearerToken: token, CA: a.ca, ClientCert: a.clientCert, ClientKey: a.clientKey,
		Insecure: a.insecure, PlainHTTP: a.plainHTTP, Proxy: a.proxy, NoProxy: a.noProxy,
	}
}

// git is a in the form of Git repositories.
func (a access) git() git.Auth {
	return git.Auth{
		Username: a.username, Password: a.password, BearerToken: a.bearerToken,
		SSHPrivateKey: a.sshPrivateKey, KnownHosts: a.knownHosts, Insecure: a.insecure,
		CA: a.ca, ClientCert: a.clientCert, ClientKey: a.clientKey,
		Proxy: a.proxy, NoProxy: a.noProxy, ForceBasic: a.forceBasic, GitHubApp: a.githubApp,
	}
}

// secretFields reads a secret's fields and gathers what is wrong with them. No error
// holds a value.
type secretFields struct {
	data   map[string][]byte
	failed []error
}

func (f *secretFields) fail(key, format string, args ...any) {
	f.failed = append(f.failed, fmt.Errorf("%s %w", key, fmt.Errorf(format, args...)))
}

func (f *secretFields) text(key string) string { return string(f.data[key]) }

// word is a value in which white space around it is a slip of who wrote it.
func (f *secretFields) word(key string) string { return strings.TrimSpace(f.text(key)) }

func (f *secretFields) flag(key string) bool {
	text := f.word(key)
	if text == "" {
		return false
	}
	v, err := strconv.ParseBool(text)
	if err != nil {
		f.fail(key, "is neither true nor false")
	}
	return v
}

func (f *secretFields) number(key string) int64 {
	text := f.word(key)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		f.fail(key, "is not a positive number")
	}
	return n
}

func (f *secretFields) key(key string) string {
	if block, _ := pem.Decode(f.data[key]); block == nil && f.word(key) != "" {
		f.fail(key, "holds no PEM block")
	}
	return f.text(key)
}

// unsupported are ways to get in that Argo CD knows and we do not.
func unsupported() []string {
	return []string{
		"gcpServiceAccountKey", "azureServicePrincipalClientId", "azureServicePrincipalTenantId", "azureServicePrincipalClientSecret",
	}
}

// parseAccess reads a secret of Argo CD's form, and tells all that is wrong
// with it.
func parseAccess(s *corev1.Secret) (access, error) {
	f := &secretFields{data: s.Data}
	a := access{
		username: f.word("username"), password: f.text("password"), bearerToken: f.word("bearerToken"),
		sshPrivateKey: f.key("sshPrivateKey"), knownHosts: f.text("sshKnownHosts"), ca: s.Data["tlsCaCert"],
		proxy: f.word("proxy"), noProxy: f.word("noProxy"),
		plainHTTP: f.flag("insecureOCIForceHttp"), forceBasic: f.flag("forceHttpBasicAuth"),
	}
	ignoreHost := f.flag("insecureIgnoreHostKey")
	a.insecure = f.flag("insecure") || ignoreHost
	f.flag("enableOCI") // the URL that is asked for says so
	if kind := f.word("type"); !slices.Contains([]string{"", "git", "helm", "oci"}, kind) {
		f.fail("type", "is not git, helm or oci")
	}
	if len(a.ca) > 0 && !x509.NewCertPool().AppendCertsFromPEM(a.ca) {
		f.fail("tlsCaCert", "holds no certificate")
	}
	f.certificate(&a)
	f.app(&a)
	for _, key := range unsupported() {
		if f.text(key) != "" {
			f.fail(key, "is not supported")
		}
	}
	if f.flag("useAzureWorkloadIdentity") {
		f.fail("useAzureWorkloadIdentity", "is not supported")
	}
	if len(f.failed) > 0 {
		return access{}, fmt.Errorf("the secret %s/%s: %w", s.Namespace, s.Name, errors.Join(f.failed...))
	}
	return a, nil
}

func (f *secretFields) certificate(a *access) {
	const cert, key = "tlsClientCertData", "tlsClientCertKey"
	switch {
	case f.word(cert) == "" && f.word(key) == "":
		return
	case f.word(cert) == "":
		f.fail(key, "is without a %s", cert)
	case f.word(key) == "":
		f.fail(cert, "is without a %s", key)
	default:
		if _, err := tls.X509KeyPair(f.data[cert], f.data[key]); err != nil {
			f.fail(cert, "and %s are no pair: %w", key, err)
		}
	}
	a.clientCert, a.clientKey = f.data[cert], f.data[key]
}

func (f *secretFields) app(a *access) {
	app := &git.GitHubApp{
		AppID: f.number("githubAppID"), InstallationID: f.number("githubAppInstallationID"),
		PrivateKey: []byte(f.key("githubAppPrivateKey")), BaseURL: f.word("githubAppEnterpriseBaseUrl"),
	}
	switch {
	case len(app.PrivateKey) == 0 && app.AppID == 0:
		return
	case len(app.PrivateKey) == 0:
		f.fail("githubAppID", "is without a githubAppPrivateKey")
	case app.AppID == 0 && f.word("githubAppID") == "":
		f.fail("githubAppPrivateKey", "is without a githubAppID")
	}
	a.githubApp = app
}
