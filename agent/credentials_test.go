package agent_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/registry"
)

// secret is one of Argo CD's form; each pair is key=value.
func secret(name, kind string, pairs ...string) *corev1.Secret {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: "trueup", Name: name, UID: types.UID(name), Labels: map[string]string{kube.SecretTypeLabel: kind},
	}, Data: map[string][]byte{}}
	for _, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		s.Data[key] = []byte(value)
	}
	return s
}

func configMap(name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "trueup", Name: name, UID: types.UID(name)}, Data: data}
}

// pair makes a certificate and its key.
func pair(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"

func TestCredentialsFor(t *testing.T) {
	t.Parallel()
	cert, key := pair(t)
	const repo, creds = kube.SecretRepo, kube.SecretRepoCreds
	app := &git.GitHubApp{AppID: 1, InstallationID: 2, PrivateKey: []byte(key), BaseURL: "https://ghe.example/api/v3"}
	for _, tc := range []struct {
		reason, url string
		have        []client.Object
		want        git.Auth
	}{
		{"nobody knows the repository", "https://git.example/a/b", nil, git.Auth{}},
		{"a secret for the repository", "https://git.example/a/b",
			[]client.Object{secret("s", repo, "url=https://git.example/a/b", "username=ana", "password=pw")}, git.Auth{Username: "ana", Password: "pw"}},
		{"a bearer token", "https://git.example/a/b",
			[]client.Object{secret("s", repo, "url=https://git.example/a/b", "bearerToken=tok\n")}, git.Auth{BearerToken: "tok"}},
		{"the secret has .git, a slash, an upper-case host and the usual port", "https://git.example/a/b",
			[]client.Object{secret("s", repo, "url=https://GIT.example:443/a/b.git/", "password=pw")}, git.Auth{Password: "pw"}},
		{"the application has them", "https://ana@Git.Example/a/B.git/",
			[]client.Object{secret("s", repo, "url=https://git.example/a/b", "password=pw")}, git.Auth{Password: "pw"}},
		{"another port is another server", "https://git.example:8443/a/b",
			[]client.Object{secret("s", repo, "url=https://git.example/a/b", "password=pw")}, git.Auth{}},
		{"a password for https is not sent over http", "http://git.example/a/b",
			[]client.Object{secret("s", repo, "url=https://git.example/a/b", "password=pw")}, git.Auth{}},
		{"scp's form in the secret, ssh in the application", "ssh://git@git.example/a/b.git",
			[]client.Object{secret("s", repo, "url=git@git.example:a/b.git", "sshPrivateKey="+key)}, git.Auth{SSHPrivateKey: key}},
		{"ssh in the secret, scp's form in the application", "git@git.example:a/b",
			[]client.Object{secret("s", repo, "url=ssh://git@git.example:22/a/b.git", "sshPrivateKey="+key)}, git.Auth{SSHPrivateKey: key}},
		{"a prefix in scp's form", "git@git.example:org/b.git",
			[]client.Object{secret("s", creds, "url=git@git.example:org", "sshPrivateKey="+key)}, git.Auth{SSHPrivateKey: key}},
		{"a host in scp's form", "git@git.example:org/b.git",
			[]client.Object{secret("s", creds, "url=git@git.example", "sshPrivateKey="+key)}, git.Auth{SSHPrivateKey: key}},
		{"the longest prefix wins", "https://git.example/org/b", []client.Object{
			secret("a", creds, "url=https://git.example", "password=short"),
			secret("z", creds, "url=https://git.example/org/", "password=long"),
			secret("b", creds, "url=https://git.example/other", "password=other"),
		}, git.Auth{Password: "long"}},
		{"a prefix may end within a name, as in Argo CD", "https://git.example/organisation/b",
			[]client.Object{secret("s", creds, "url=https://git.example/org", "password=pw")}, git.Auth{Password: "pw"}},
		{"but not within a host", "https://git.example.evil/org/b",
			[]client.Object{secret("s", creds, "url=https://git.example", "password=pw")}, git.Auth{}},
		{"the repository's own credentials come before a prefix", "https://git.example/org/b", []client.Object{
			secret("a", creds, "url=https://git.example/org/b", "password=prefix"),
			secret("z", repo, "url=https://git.example/org/b", "password=own"),
		}, git.Auth{Password: "own"}},
		{"a repository without credentials takes those of a prefix and keeps the rest", "https://git.example/org/b", []client.Object{
			secret("a", creds, "url=https://git.example/org", "username=ana", "password=pw", "proxy=http://far.example", "forceHttpBasicAuth=true"),
			secret("z", repo, "url=https://git.example/org/b", "insecure=true", "proxy=http://near.example", "noProxy=a,b"),
		}, git.Auth{Username: "ana", Password: "pw", Insecure: true, Proxy: "http://near.example", NoProxy: "a,b", ForceBasic: true}},
		{"of two secrets for one URL the one with credentials", "https://git.example/b", []client.Object{
			secret("a", repo, "url=https://git.example/b"), secret("z", repo, "url=https://git.example/b", "password=pw"),
		}, git.Auth{Password: "pw"}},
		{"of two secrets with credentials the one that is written the same way", "https://git.example/b.git", []client.Object{
			secret("a", repo, "url=https://git.example/b", "password=a"), secret("z", repo, "url=https://git.example/b.git", "password=z"),
		}, git.Auth{Password: "z"}},
		{"of two that are, the one of no project, then the first by name", "https://git.example/b", []client.Object{
			secret("a", repo, "url=https://git.example/b", "password=a", "project=shop"),
			secret("c", repo, "url=https://git.example/b", "password=c"), secret("b", repo, "url=https://git.example/b", "password=b"),
		}, git.Auth{Password: "b"}},
		{"a malformed secret beside a good one", "https://git.example/b", []client.Object{
			secret("a", repo, "url=https://git.example/b", "password=a", "insecure=perhaps"), secret("z", repo, "url=https://git.example/b", "password=z"),
		}, git.Auth{Password: "z"}},
		{"a malformed secret for another repository", "https://git.example/b", []client.Object{
			secret("a", repo, "url=https://git.example/a", "sshPrivateKey=nonsense"), secret("b", repo, "password=lost"),
			secret("z", repo, "url=https://git.example/b", "password=z"),
		}, git.Auth{Password: "z"}},
		{"certificates", "https://git.example/b", []client.Object{
			secret("a", repo, "url=https://git.example/b", "tlsClientCertData="+cert, "tlsClientCertKey="+key, "tlsCaCert="+cert),
		}, git.Auth{ClientCert: []byte(cert), ClientKey: []byte(key), CA: []byte(cert)}},
		{"a GitHub App", "https://ghe.example/b", []client.Object{
			secret("a", creds, "url=https://ghe.example", "githubAppID=1", "githubAppInstallationID=2", "githubAppPrivateKey="+key,
				"githubAppEnterpriseBaseUrl=https://ghe.example/api/v3"),
		}, git.Auth{GitHubApp: app}},
		{"either flag trusts any host", "git@git.example:b", []client.Object{
			secret("a", repo, "url=git@git.example:b", "sshPrivateKey="+key, "insecureIgnoreHostKey=true"),
		}, git.Auth{SSHPrivateKey: key, Insecure: true}},
		{"host keys of both config maps, without what cannot be read", "git@git.example:b", []client.Object{
			configMap("argocd-ssh-known-hosts-cm", map[string]string{"ssh_known_hosts": "# a comment\nnonsense\ngit.example " + hostKey + "\n"}),
			configMap("trueup-ssh-known-hosts", map[string]string{"ssh_known_hosts": "other.example " + hostKey}),
			secret("a", repo, "url=git@git.example:b", "sshPrivateKey="+key),
		}, git.Auth{SSHPrivateKey: key, KnownHosts: "\nother.example " + hostKey + "\ngit.example " + hostKey}},
		{"authorities by host, for repositories that nobody registered", "https://Git.example:8443/b", []client.Object{
			configMap("argocd-tls-certs-cm", map[string]string{"git.example": cert, "other.example": "nonsense"}),
		}, git.Auth{CA: []byte("\n" + cert)}},
	} {
		c := &agent.Credentials{Reader: fake.NewClientBuilder().WithObjects(tc.have...).Build(), Namespace: "trueup"}
		got, err := c.For(t.Context(), tc.url)
		if err != nil {
			t.Errorf("%s: %v", tc.reason, err)
			continue
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

func TestRegistryCredentials(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason string
		pairs  []string
		want   registry.Auth
	}{
		{"a password", []string{"username=ana", "password=pw"}, registry.Auth{Username: "ana", Password: "pw"}},
		{"a token", []string{"username=ana", "bearerToken=t0ken"}, registry.Auth{Username: "ana", BearerToken: "t0ken"}},
		{"a token as a password", []string{"username=ana", "bearerToken=t0ken", "forceHttpBasicAuth=true"}, registry.Auth{Username: "ana", Password: "t0ken"}},
	} {
		for _, url := range []string{"https://charts.example/a", "oci://registry.example/a"} {
			have := secret("s", kube.SecretRepo, append([]string{"url=" + url}, tc.pairs...)...)
			c := &agent.Credentials{Reader: fake.NewClientBuilder().WithObjects(have).Build(), Namespace: "trueup"}
			got, err := agent.RegistryCredentials{From: c}.For(t.Context(), url)
			if err != nil {
				t.Errorf("%s: %v", tc.reason, err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		}
	}
}

func TestMalformedCredentialsAreNamedAndNotShown(t *testing.T) {
	t.Parallel()
	cert, key := pair(t)
	_, other := pair(t)
	const url, hidden = "url=https://git.example/b", "hunter2"
	for _, tc := range []struct {
		reason string
		have   client.Object
		want   []string
	}{
		{"all that is wrong is told", secret("s", kube.SecretRepo, url, "insecure="+hidden, "type="+hidden, "githubAppID="+hidden, "githubAppPrivateKey="+key),
			[]string{"trueup/s", "insecure is neither", "type is not", "githubAppID is not a positive number"}},
		{"a key that is none", secret("s", kube.SecretRepo, url, "sshPrivateKey="+hidden), []string{"trueup/s", "sshPrivateKey holds no PEM block"}},
		{"an authority that is none", secret("s", kube.SecretRepo, url, "tlsCaCert="+hidden), []string{"tlsCaCert holds no certificate"}},
		{"a certificate without its key", secret("s", kube.SecretRepo, url, "tlsClientCertData="+cert), []string{"tlsClientCertData is without a tlsClientCertKey"}},
		{"a key without its certificate", secret("s", kube.SecretRepo, url, "tlsClientCertKey="+key), []string{"tlsClientCertKey is without a tlsClientCertData"}},
		{"another's key", secret("s", kube.SecretRepo, url, "tlsClientCertData="+cert, "tlsClientCertKey="+other), []string{"are no pair"}},
		{"an app without a key", secret("s", kube.SecretRepo, url, "githubAppID=1"), []string{"githubAppID is without a githubAppPrivateKey"}},
		{"a key without its app", secret("s", kube.SecretRepo, url, "githubAppPrivateKey="+key), []string{"githubAppPrivateKey is without a githubAppID"}},
		{"a way in that we lack", secret("s", kube.SecretRepo, url, "gcpServiceAccountKey="+hidden), []string{"gcpServiceAccountKey is not supported"}},
		{"another one", secret("s", kube.SecretRepo, url, "useAzureWorkloadIdentity=true"), []string{"useAzureWorkloadIdentity is not supported"}},
		{"a prefix", secret("s", kube.SecretRepoCreds, "url=https://git.example", "insecure="+hidden), []string{"trueup/s", "insecure is neither"}},
		{"an authority in the config map", configMap("argocd-tls-certs-cm", map[string]string{"git.example": hidden}), []string{"argocd-tls-certs-cm", "git.example holds no certificate"}},
	} {
		c := &agent.Credentials{Reader: fake.NewClientBuilder().WithObjects(tc.have).Build(), Namespace: "trueup"}
		_, err := c.For(t.Context(), "https://git.example/b")
		if err == nil {
			t.Errorf("%s: no error", tc.reason)
			continue
		}
		for _, want := range tc.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", tc.reason, err, want)
			}
		}
		if strings.Contains(err.Error(), hidden) || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%s: %q shows what is secret", tc.reason, err)
		}
		if fault.Of(err) != fault.Invalid {
			t.Errorf("%s: the kind is %s", tc.reason, fault.Of(err))
		}
		if _, err := c.For(t.Context(), "https://elsewhere.example/b"); err != nil {
			t.Errorf("%s: another repository suffers: %v", tc.reason, err)
		}
	}
}

// TestWhatConcernsNoRepositoryIsLoggedOnce: there is no application whose
// condition could say it.
func TestWhatConcernsNoRepositoryIsLoggedOnce(t *testing.T) {
	t.Parallel()
	var lines []string
	log := funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{})
	store := fake.NewClientBuilder().WithObjects(secret("homeless", kube.SecretRepo, "password=hunter2")).Build()
	c := &agent.Credentials{Reader: store, Namespace: "trueup", Log: log}
	for range 3 {
		if _, err := c.For(t.Context(), "https://git.example/b"); err != nil {
			t.Fatal(err)
		}
	}
	if len(lines) != 1 || !strings.Contains(lines[0], "trueup/homeless has no url") || strings.Contains(lines[0], "hunter2") {
		t.Errorf("logged %q", lines)
	}
}

// TestRotation: what the next question finds is what is there then.
func TestRotation(t *testing.T) {
	t.Parallel()
	s := secret("s", kube.SecretRepo, "url=https://git.example/b", "password=old")
	store := fake.NewClientBuilder().WithObjects(s).Build()
	c := &agent.Credentials{Reader: store, Namespace: "trueup"}
	for _, want := range []string{"old", "new"} {
		s.Data["password"] = []byte(want)
		if err := store.Update(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		got, err := c.For(t.Context(), "https://git.example/b")
		if err != nil || got.Password != want {
			t.Errorf("got %q, %v; want %q", got.Password, err, want)
		}
	}
}

// TestARepositoryOfOneProject: others are refused it, unless it is registered
// for everybody as well.
func TestARepositoryOfOneProject(t *testing.T) {
	t.Parallel()
	shop := secret("shop", kube.SecretRepo, "url=https://git.example/b", "project=shop", "password=x")
	for _, tc := range []struct {
		reason  string
		have    []client.Object
		project string
		denied  bool
	}{
		{"nobody registered it", nil, "billing", false},
		{"its own project", []client.Object{shop}, "shop", false},
		{"another project", []client.Object{shop}, "billing", true},
		{"two projects", []client.Object{shop, secret("billing", kube.SecretRepo, "url=https://git.example/b.git/", "project=billing")}, "billing", false},
		{"everybody as well", []client.Object{shop, secret("all", kube.SecretRepo, "url=https://git.example/b")}, "billing", false},
	} {
		p := agent.Projects{Credentials: &agent.Credentials{Reader: fake.NewClientBuilder().WithObjects(tc.have...).Build(), Namespace: "trueup"}}
		err := p.MayRead(t.Context(), tc.project, "https://ana:hunter2@git.example/b")
		if denied := fault.Of(err) == fault.Denied; denied != tc.denied || err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", tc.reason, err)
		}
	}
}
