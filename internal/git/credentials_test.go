package git_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// rotating gives what was put into it last, and counts how often it is asked.
type rotating struct {
	mu    sync.Mutex
	auth  git.Auth
	asked int
}

func (r *rotating) For(context.Context, string) (git.Auth, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	return r.auth, nil
}

func (r *rotating) put(a git.Auth) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.auth = a
}

// guarded serves a repository to those whose Authorization header is right.
func (r *repo) guarded(right func() string) (*server, string) {
	s := r.server()
	inner := s.handler
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Authorization") != right() {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, req)
	})
	return s, s.start(r.t)
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestFormsOfCredentials(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	r.commit("Start")
	for _, tc := range []struct {
		reason, right string
		auth          git.Auth
		denied        bool
	}{
		{"a password", basic("ana", "secret"), git.Auth{Username: "ana", Password: "secret"}, false},
		{"a token without a user", basic("git", "token"), git.Auth{Password: "token"}, false},
		{"a bearer token", "Bearer token", git.Auth{BearerToken: "token", Username: "ana"}, false},
		{"a bearer token for a server that wants it as a password", basic("git", "token"), git.Auth{BearerToken: "token", ForceBasic: true}, false},
		{"a password where basic is forced", basic("ana", "secret"), git.Auth{Username: "ana", Password: "secret", ForceBasic: true}, false},
		{"a wrong password", basic("ana", "secret"), git.Auth{Username: "ana", Password: "hunter2"}, true},
		{"a wrong token", "Bearer token", git.Auth{BearerToken: "hunter2"}, true},
		{"half a client certificate", "", git.Auth{ClientCert: []byte("hunter2")}, true},
	} {
		_, url := r.guarded(func() string { return tc.right })
		_, err := mirrors(t, auth(tc.auth)).Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "main"})
		if !tc.denied && err != nil {
			t.Errorf("%s: %v", tc.reason, err)
		}
		if tc.denied && (fault.Of(err) != fault.Denied || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: got %v (%s)", tc.reason, err, fault.Of(err))
		}
	}
}

func TestRotatedCredentialsCountAtOnce(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	r.commit("Start")
	right := "one"
	_, url := r.guarded(func() string { return basic("ana", right) })
	c := &rotating{auth: git.Auth{Username: "ana", Password: "one"}}
	m := mirrors(t, c)
	tree(t, m, url, "main")
	right = "two"
	if _, err := m.Poll(t.Context(), url); fault.Of(err) != fault.Denied {
		t.Errorf("with the old password: %v", err)
	}
	c.put(git.Auth{Username: "ana", Password: "two"})
	r.write("a", "2")
	r.commit("Go on")
	if !poll(t, m, url) || read(t, tree(t, m, url, "main"), "a") != "2" {
		t.Error("the new password does not count")
	}
}

func TestRedirectKeepsThePassword(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	r.commit("Start")
	s, url := r.guarded(func() string { return "" })
	moved := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		// 127.0.0.1 and localhost are different hosts to a client.
		to := strings.Replace(url, "127.0.0.1", "localhost", 1)
		http.Redirect(w, req, strings.Replace(to, "/config", req.URL.RequestURI(), 1), http.StatusMovedPermanently)
	}))
	defer moved.Close()
	m := mirrors(t, auth(git.Auth{Username: "ana", Password: "secret"}))
	if got := read(t, tree(t, m, moved.URL+"/config", "main"), "a"); got != "1" {
		t.Errorf("a holds %q", got)
	}
	for _, q := range s.since(0) {
		if q.authorization != "" {
			t.Errorf("%s: another host got the password", q.path)
		}
	}
}

// certificate makes a key pair that an authority signed; nil signs itself.
func certificate(t *testing.T, by *tls.Certificate) (cert tls.Certificate, certPEM, keyPEM []byte) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour), IsCA: by == nil,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	parent, signer := template, any(key)
	if by != nil {
		parent, signer = by.Leaf, by.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM = pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	if cert, err = tls.X509KeyPair(certPEM, keyPEM); err != nil {
		t.Fatal(err)
	}
	return cert, certPEM, keyPEM
}

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	r.commit("Start")
	authority, authorityPEM, _ := certificate(t, nil)
	_, certPEM, keyPEM := certificate(t, &authority)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authorityPEM)
	web := httptest.NewUnstartedServer(r.server())
	web.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	web.Config.ErrorLog = nil
	web.StartTLS()
	defer web.Close()
	trusted := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	for _, tc := range []struct {
		reason string
		auth   git.Auth
		works  bool
	}{
		{"our certificate, and theirs is trusted", git.Auth{CA: trusted, ClientCert: certPEM, ClientKey: keyPEM}, true},
		{"our certificate, and theirs is not looked at", git.Auth{Insecure: true, ClientCert: certPEM, ClientKey: keyPEM}, true},
		{"their certificate is not known", git.Auth{ClientCert: certPEM, ClientKey: keyPEM}, false},
		{"we have none", git.Auth{CA: trusted}, false},
	} {
		_, err := mirrors(t, auth(tc.auth)).Tree(t.Context(), snapshot.Location{RepoURL: web.URL + "/config", Revision: "main"})
		if (err == nil) != tc.works {
			t.Errorf("%s: %v", tc.reason, err)
		}
	}
}

func TestProxy(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	r.commit("Start")
	direct, _ := r.serve("")
	var mu sync.Mutex
	var hosts []string
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		mu.Lock()
		defer mu.Unlock()
		hosts = append(hosts, p.In.URL.Host+" "+p.In.Header.Get("Proxy-Authorization"))
		p.Out.URL.Host = strings.TrimSuffix(strings.TrimPrefix(direct, "http://"), "/config")
	}})
	defer proxy.Close()
	through := strings.Replace(proxy.URL, "http://", "http://ana:secret@", 1)
	m := mirrors(t, auth(git.Auth{Proxy: through, NoProxy: "other.example"}))
	if got := read(t, tree(t, m, "http://git.example/config", "main"), "a"); got != "1" {
		t.Errorf("a holds %q", got)
	}
	if len(hosts) == 0 || hosts[0] != "git.example "+basic("ana", "secret") {
		t.Errorf("the proxy was asked for %q", hosts)
	}
	before := len(hosts)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // before other.example, which nobody has, is asked for
	_, err := m.Tree(ctx, snapshot.Location{RepoURL: "http://other.example/config", Revision: "main"})
	if err == nil || len(hosts) != before {
		t.Errorf("a host that is to be asked without the proxy: %v, %q", err, hosts[before:])
	}
	_, err = mirrors(t, auth(git.Auth{Proxy: "hunter2"})).Tree(t.Context(), snapshot.Location{RepoURL: direct, Revision: "main"})
	if fault.Of(err) != fault.Invalid || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a proxy that is no URL: %v", err)
	}
}

// gitHub gives tokens as GitHub's API does, of the recorded shape.
type gitHub struct {
	t   *testing.T
	key *rsa.PublicKey
	now func() time.Time

	mu     sync.Mutex
	issued int
}

func (g *gitHub) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPost || req.URL.Path != "/api/v3/app/installations/42/access_tokens" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	parts := strings.Split(strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer "), ".")
	if len(parts) != 3 {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || rsa.VerifyPKCS1v15(g.key, crypto.SHA256, sum[:], signature) != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var claims struct {
		Iat, Exp int64
		Iss      string
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	now := g.now().Unix()
	if err != nil || json.Unmarshal(raw, &claims) != nil || claims.Iss != "7" || claims.Iat > now || claims.Exp < now || claims.Exp > now+600 {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.issued++
	w.WriteHeader(http.StatusCreated)
	_, _ = fmt.Fprintf(w, `{"token":"ghs_%d","expires_at":"%s","permissions":{"contents":"read","metadata":"read"},"repository_selection":"all"}`,
		g.issued, g.now().Add(time.Hour).UTC().Format(time.RFC3339))
}

func (g *gitHub) last() (int, string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.issued, basic("x-access-token", fmt.Sprintf("ghs_%d", g.issued))
}

func TestGitHubApp(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	r.commit("Start")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	now := time.Now()
	g := &gitHub{t: t, key: &key.PublicKey, now: func() time.Time { return now }}
	api := httptest.NewServer(g)
	defer api.Close()
	revoked := false
	_, url := r.guarded(func() string {
		if revoked {
			return "nothing"
		}
		_, right := g.last()
		return right
	})
	app := git.GitHubApp{AppID: 7, InstallationID: 42, PrivateKey: private, BaseURL: api.URL + "/api/v3/"}
	m := git.New(git.Options{Dir: t.TempDir(), Credentials: auth(git.Auth{GitHubApp: &app}), Now: g.now})
	var issued []int
	note := func() {
		n, _ := g.last()
		issued = append(issued, n)
	}
	tree(t, m, url, "main")
	note()
	now = now.Add(50 * time.Minute)
	poll(t, m, url)
	note()
	now = now.Add(6 * time.Minute) // four minutes before the end
	poll(t, m, url)
	note()
	revoked = true
	if _, err := m.Poll(t.Context(), url); fault.Of(err) != fault.Denied {
		t.Errorf("with a revoked token: %v", err)
	}
	revoked = false
	poll(t, m, url)
	note()
	if diff := cmp.Diff([]int{1, 1, 2, 3}, issued); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
	for _, tc := range []struct {
		reason string
		change func(*git.GitHubApp)
		says   string
	}{
		{"another installation", func(a *git.GitHubApp) { a.InstallationID = 43 }, "no installation 43"},
		{"another app", func(a *git.GitHubApp) { a.AppID = 8 }, "private key"},
		{"no key", func(a *git.GitHubApp) { a.PrivateKey = []byte("hunter2") }, "not a PEM block"},
	} {
		other := app
		tc.change(&other)
		_, err := mirrors(t, auth(git.Auth{GitHubApp: &other})).Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "main"})
		if fault.Of(err) != fault.Denied || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v (%s)", tc.reason, err, fault.Of(err))
		}
	}
}
