package scm_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm"
	"github.com/trueup-dev/trueup/internal/scm/rest"
	"github.com/trueup-dev/trueup/internal/scm/scmtest"
)

// all asks everything that a generator asks.
func all(t *testing.T, forges *scm.Forges, k kind, url string) (found int, err error) {
	t.Helper()
	organization, err := forges.Organization(t.Context(), "sets", k.organization(url, true))
	if err != nil {
		return 0, err
	}
	repositories, err := organization.Repositories(t.Context())
	if err != nil {
		return 0, err
	}
	for _, of := range repositories {
		branches, err := organization.Branches(t.Context(), of)
		if err != nil {
			return 0, err
		}
		found += 1 + len(branches)
		for _, b := range branches {
			if _, err := organization.Has(t.Context(), of, b, "chart/Chart.yaml"); err != nil {
				return 0, err
			}
		}
	}
	pulls, err := forges.PullRequests(t.Context(), "sets", k.pulls(url))
	return found + len(pulls), err
}

// TestEveryFailureIsAnError breaks each request in turn, in several ways: there is
// an error of the right kind, and never a shorter answer.
func TestEveryFailureIsAnError(t *testing.T) {
	t.Parallel()
	breaks := map[string]struct {
		answer func(w http.ResponseWriter)
		kind   fault.Kind
	}{
		"a server that broke": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }, fault.Transient},
		"nothing there":       {func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }, fault.Missing},
		"no permission":       {func(w http.ResponseWriter) { w.WriteHeader(http.StatusForbidden) }, fault.Denied},
		"a token that ended":  {func(w http.ResponseWriter) { w.WriteHeader(http.StatusUnauthorized) }, fault.Denied},
		"a rate limit": {func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusTooManyRequests)
		}, fault.Transient},
		"garbage":        {func(w http.ResponseWriter) { _, _ = fmt.Fprint(w, `<html>`) }, fault.Transient},
		"null":           {func(w http.ResponseWriter) { _, _ = fmt.Fprint(w, `null`) }, fault.Transient},
		"the wrong form": {func(w http.ResponseWriter) { _, _ = fmt.Fprint(w, `{"values":{},"value":"x"}`) }, fault.Transient},
		"half an answer": {func(w http.ResponseWriter) { _, _ = fmt.Fprint(w, `[{"id":1},{`) }, fault.Transient},
		"too much of it": {func(w http.ResponseWriter) { _, _ = fmt.Fprint(w, "["+strings.Repeat(" ", 70_000)+"]") }, fault.Invalid},
		"another's words": {func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://evil.example.com/")
			w.WriteHeader(http.StatusFound)
		}, fault.Denied},
	}
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			server := k.serve(t, scmtest.Shop())
			fresh := func() *scm.Forges {
				f := scm.New(scm.Options{Objects: withToken(), BitbucketCloud: server.URL + "/2.0", REST: rest.Options{MaxBody: 64 << 10}})
				t.Cleanup(f.Close)
				return f
			}
			want, err := all(t, fresh(), k, server.URL)
			if err != nil || want < 10 {
				t.Fatalf("%d: %v", want, err)
			}
			requests := server.Requests()
			names := slices.Sorted(maps.Keys(breaks))
			for turn := range names {
				// Over all turns each request breaks in two ways, and each way is seen
				// at many requests.
				for victim := 1 + turn; victim <= requests; victim += len(names) / 2 {
					name := names[(turn+victim)%len(names)]
					b := breaks[name]
					count := 0
					path := ""
					server.Break(func(w http.ResponseWriter, r *http.Request) bool {
						if count++; count != victim {
							return false
						}
						path = r.URL.String()
						b.answer(w)
						return true
					})
					got, err := all(t, fresh(), k, server.URL)
					// Whether there is a file is told by whether there is an answer.
					if name == "the wrong form" && err == nil && got == want {
						continue
					}
					// That a file is not there is what these forges say by a 404, and
					// that the commit is there they say in the next answer.
					if name == "nothing there" && err == nil && slices.ContainsFunc([]string{"/src/", "/browse/", "/items?"}, func(s string) bool { return strings.Contains(path, s) }) {
						continue
					}
					if err == nil || fault.Of(err) != b.kind && name != "the wrong form" {
						t.Errorf("%s, request %d (%s): %d of %d, %v of kind %s", name, victim, path, got, want, err, fault.Of(err))
					}
					if err != nil && strings.Contains(err.Error(), scmtest.Token) {
						t.Errorf("%s: the token is in %v", name, err)
					}
					if at, ok := fault.NotBefore(err); ok != (name == "a rate limit") {
						t.Errorf("%s: to come back at %v", name, at)
					}
				}
			}
		})
	}
}

// TestLostRepositories: from some moment on nothing may be read any more, which
// forges say by a 404 or a 403. No repository, branch or file is taken for one
// that is not there.
func TestLostRepositories(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind, server *scmtest.Server, forges *scm.Forges) {
		for _, allBranches := range []bool{false, true} {
			look := func() (out []string, err error) {
				organization, err := forges.Organization(t.Context(), "sets", k.organization(server.URL, allBranches))
				if err != nil {
					return nil, err
				}
				repositories, err := organization.Repositories(t.Context())
				for _, of := range repositories {
					branches, failure := organization.Branches(t.Context(), of)
					if err = errors.Join(err, failure); err != nil {
						return out, err
					}
					for _, b := range branches {
						has, failure := organization.Has(t.Context(), of, b, "chart/Chart.yaml")
						out = append(out, fmt.Sprint(of.Name, b, has))
						err = errors.Join(err, failure)
					}
				}
				return out, err
			}
			server.Break(func(http.ResponseWriter, *http.Request) bool { return false })
			before := server.Requests()
			want, err := look()
			if err != nil {
				t.Fatal(err)
			}
			requests := server.Requests() - before
			for _, status := range []int{http.StatusNotFound, http.StatusForbidden} {
				for from := 1; from <= requests; from++ {
					count, path := 0, ""
					server.Break(func(w http.ResponseWriter, r *http.Request) bool {
						if count++; count == from {
							path = r.URL.Path
						}
						if count >= from {
							w.WriteHeader(status)
						}
						return count >= from
					})
					if got, err := look(); err == nil {
						t.Errorf("%d from request %d (%s) on: no error (-before +now):\n%s", status, from, path, cmp.Diff(want, got))
					}
				}
			}
		}
	})
}

// TestUnchangedPollCostsNothing is about GitHub's rate limit.
func TestUnchangedPollCostsNothing(t *testing.T) {
	t.Parallel()
	k := kinds()[0]
	server := k.serve(t, scmtest.Shop())
	// A branch that is not there is a 404, which GitHub counts.
	server.Change(func(w *scmtest.World) { w.Repositories = slices.Delete(w.Repositories, 2, 3) })
	forges := scm.New(scm.Options{Objects: withToken()})
	defer forges.Close()
	poll := func() (cost int) {
		t.Helper()
		before := server.Remaining()
		if _, err := all(t, forges, k, server.URL); err != nil {
			t.Fatal(err)
		}
		return before - server.Remaining()
	}
	first, asked := poll(), server.Requests()
	second := poll()
	// Lists of several pages are read twice at least, the second time for nothing.
	if first < asked/2 || first > asked || second != 0 || server.Requests() != 2*asked {
		t.Errorf("the first poll cost %d for %d requests, the second %d for %d", first, asked, second, server.Requests()-asked)
	}
	server.Change(func(w *scmtest.World) { w.Repositories[0].Branches[1].SHA = strings.Repeat("f", 40) })
	if third := poll(); third == 0 || third > 3 {
		t.Errorf("a poll after one commit cost %d", third)
	}
}

func TestWhatIsAllowed(t *testing.T) {
	t.Parallel()
	k := kinds()[2] // gitea
	server := k.serve(t, scmtest.Shop())
	labelled := withToken()
	labelled.secrets["sets/token"] = scm.Secret{Labels: map[string]string{scm.TokenLabel: scm.TokenLabelValue}, Data: labelled.secrets["sets/token"].Data}
	empty := objects{secrets: map[string]scm.Secret{"sets/token": {Data: map[string][]byte{"other": []byte("x")}}}}
	for name, tc := range map[string]struct {
		options scm.Options
		kind    fault.Kind
		text    string
	}{
		"everything":                       {scm.Options{Objects: withToken()}, "", ""},
		"nothing":                          {scm.Options{Objects: withToken(), Disabled: true}, fault.Denied, "--enable-scm-providers=false"},
		"another address":                  {scm.Options{Objects: withToken(), Allowed: []string{"https://git.example.com"}}, fault.Denied, "not one of those allowed by --allowed-scm-providers: https://git.example.com"},
		"this address, written in its way": {scm.Options{Objects: withToken(), Allowed: []string{"https://x", strings.ToUpper(server.URL[:4]) + server.URL[4:] + "/"}}, "", ""},
		"labelled secrets, and it is":      {scm.Options{Objects: labelled, Strict: true}, "", ""},
		"labelled secrets, and it is not":  {scm.Options{Objects: withToken(), Strict: true}, fault.Denied, "tokenRef: the secret sets/token is without the label argocd.argoproj.io/secret-type: scm-creds"},
		"a secret that is not there":       {scm.Options{Objects: objects{}}, fault.Invalid, "gitea: tokenRef: read the secret sets/token: it is not there"},
		"a secret without the key":         {scm.Options{Objects: empty}, fault.Invalid, `has nothing under the key "token"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forges := scm.New(tc.options)
			defer forges.Close()
			check := func(err error) {
				t.Helper()
				if fault.Of(err) != tc.kind || err != nil && !strings.Contains(err.Error(), tc.text) {
					t.Errorf("got %v of kind %q, want %q of kind %q", err, fault.Of(err), tc.text, tc.kind)
				}
			}
			_, err := all(t, forges, k, server.URL)
			check(err)
			_, err = forges.PullRequests(t.Context(), "sets", k.pulls(server.URL))
			check(err)
			_, err = forges.Gone(t.Context(), "sets", k.pulls(server.URL), 1)
			check(err)
		})
	}
}

func TestGeneratorsThatNameNoForge(t *testing.T) {
	t.Parallel()
	forges := scm.New(scm.Options{Objects: withToken()})
	defer forges.Close()
	for _, tc := range []struct {
		gen  v1alpha1.SCMProviderGenerator
		text string
	}{
		{v1alpha1.SCMProviderGenerator{}, "scmProvider names no forge"},
		{v1alpha1.SCMProviderGenerator{Github: &v1alpha1.SCMProviderGeneratorGithub{}, Gitea: &v1alpha1.SCMProviderGeneratorGitea{}}, "names several forges: gitea, github"},
		{v1alpha1.SCMProviderGenerator{AWSCodeCommit: &v1alpha1.SCMProviderGeneratorAWSCodeCommit{}}, "awsCodeCommit is not supported"},
		{v1alpha1.SCMProviderGenerator{CloneProtocol: "git", Github: &v1alpha1.SCMProviderGeneratorGithub{Organization: "x"}}, `cloneProtocol is "git": ssh or https`},
		{v1alpha1.SCMProviderGenerator{Github: &v1alpha1.SCMProviderGeneratorGithub{Organization: "../../user"}}, `organization "../../user" is not a name`},
		{v1alpha1.SCMProviderGenerator{Gitea: &v1alpha1.SCMProviderGeneratorGitea{Owner: "x"}}, "not an http or https URL"},
		{v1alpha1.SCMProviderGenerator{Bitbucket: &v1alpha1.SCMProviderGeneratorBitbucket{Owner: "x"}}, "appPasswordRef is missing"},
		{v1alpha1.SCMProviderGenerator{AzureDevOps: &v1alpha1.SCMProviderGeneratorAzureDevOps{Organization: "x", TeamProject: ".."}}, `teamProject ".." is not a name`},
	} {
		if _, err := forges.Organization(t.Context(), "sets", &tc.gen); fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("got %v, want %q", err, tc.text)
		}
	}
	for _, tc := range []struct {
		gen  v1alpha1.PullRequestGenerator
		text string
	}{
		{v1alpha1.PullRequestGenerator{}, "pullRequest names no forge"},
		{v1alpha1.PullRequestGenerator{GitLab: &v1alpha1.PullRequestGeneratorGitLab{Project: "x", PullRequestState: "open"}}, `pullRequestState is "open"`},
		{v1alpha1.PullRequestGenerator{Github: &v1alpha1.PullRequestGeneratorGithub{Owner: "a/b", Repo: ""}}, "owner \"a/b\" is not a name\nrepo is empty"},
	} {
		if _, err := forges.PullRequests(t.Context(), "sets", &tc.gen); fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("got %v, want %q", err, tc.text)
		}
	}
}

// TestAuthorities trusts a server by a config map beside the set.
func TestAuthorities(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, `[]`) }))
	defer server.Close()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	forges := scm.New(scm.Options{Objects: objects{configMaps: map[string]map[string]string{"sets/ca": {"good": ca, "bad": "nothing"}}}})
	defer forges.Close()
	for _, tc := range []struct {
		key, text string
		insecure  bool
	}{
		{"good", "", false},
		{"bad", "hold no PEM certificate", false},
		{"none", `the config map sets/ca has no key "none"`, false},
		{"", "certificate", false},
		{"", "", true},
	} {
		gitlab := &v1alpha1.PullRequestGeneratorGitLab{Project: "x/y", API: server.URL, Insecure: tc.insecure}
		if tc.key != "" {
			gitlab.CARef = &v1alpha1.ConfigMapKeyRef{ConfigMapName: "ca", Key: tc.key}
		}
		_, err := forges.PullRequests(t.Context(), "sets", &v1alpha1.PullRequestGenerator{GitLab: gitlab})
		if (err == nil) != (tc.text == "") || err != nil && !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%q: got %v, want %q", tc.key, err, tc.text)
		}
	}
}

// TestGitHubApp exchanges an app's key for a token once, and keeps answers for
// the app when the token changes.
func TestGitHubApp(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	server := scmtest.GitHub(t, scmtest.Shop())
	var exchanges atomic.Int64
	var now atomic.Int64
	now.Store(1_800_000_000)
	server.Break(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/v3/app/installations/8/access_tokens" {
			return false
		}
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ey") || r.Method != http.MethodPost {
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		exchanges.Add(1)
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, `{"token":%q,"expires_at":%q}`, scmtest.Token, time.Unix(now.Load()+3600, 0).UTC().Format(time.RFC3339))
		return true
	})
	secret := func(installation string) scm.Secret {
		return scm.Secret{Data: map[string][]byte{
			"githubAppID": []byte("7"), "githubAppInstallationID": []byte(installation), "githubAppPrivateKey": keyPEM,
		}}
	}
	forges := scm.New(scm.Options{Namespace: "trueup", REST: rest.Options{Now: func() time.Time { return time.Unix(now.Load(), 0) }}, Objects: objects{secrets: map[string]scm.Secret{
		"trueup/app": secret("8"), "trueup/other": secret("9"), "trueup/bad": {Data: map[string][]byte{"githubAppID": []byte("x")}},
	}}})
	defer forges.Close()
	poll := func(app string) ([]appset.PullRequest, error) {
		return forges.PullRequests(t.Context(), "sets", &v1alpha1.PullRequestGenerator{
			Github: &v1alpha1.PullRequestGeneratorGithub{Owner: "shop", Repo: "web", API: server.URL, AppSecretName: app}, ContinueOnRepoNotFoundError: true,
		})
	}
	first, err := poll("app")
	if err != nil || len(first) != 5 {
		t.Fatalf("%d pull requests, %v", len(first), err)
	}
	now.Add(1800)
	left := server.Remaining()
	second, err := poll("app")
	if err != nil || exchanges.Load() != 1 {
		t.Fatalf("%d exchanges, %v", exchanges.Load(), err)
	}
	now.Add(1800)
	third, err := poll("app")
	if err != nil || exchanges.Load() != 2 || server.Remaining() != left {
		t.Errorf("%d exchanges, %d requests paid for, %v", exchanges.Load(), left-server.Remaining(), err)
	}
	if diff := cmp.Diff([][]appset.PullRequest{first, first}, [][]appset.PullRequest{second, third}); diff != "" {
		t.Errorf("an unchanged answer changed (-first +later):\n%s", diff)
	}
	// An installation that is not there is no repository that is not there.
	if _, err := poll("other"); fault.Of(err) != fault.Denied {
		t.Errorf("another installation: %v of kind %s", err, fault.Of(err))
	}
	_, err = poll("bad")
	for _, text := range []string{"githubAppID is not a positive number", "githubAppInstallationID is not", "githubAppPrivateKey is missing", "trueup/bad"} {
		if fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want %q", err, text)
		}
	}
	if _, err := poll("none"); fault.Of(err) != fault.Invalid {
		t.Errorf("a secret that is not there: %v of kind %s", err, fault.Of(err))
	}
}

// TestConfined: who may make a set in another namespace does not choose whom
// the agent asks.
func TestConfined(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = fmt.Fprint(w, `[]`)
	}))
	defer server.Close()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	app := scm.Secret{Data: map[string][]byte{
		"githubAppID": []byte("7"), "githubAppInstallationID": []byte("8"),
		"githubAppPrivateKey": pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
	}}
	withApp := v1alpha1.PullRequestGenerator{Github: &v1alpha1.PullRequestGeneratorGithub{Owner: "shop", Repo: "web", API: server.URL, AppSecretName: "app"}}
	without := v1alpha1.PullRequestGenerator{Gitea: &v1alpha1.PullRequestGeneratorGitea{Owner: "shop", Repo: "web", API: server.URL}}
	for _, tc := range []struct {
		namespace string
		allowed   []string
		denied    bool
	}{
		{"tenant", nil, true},
		{"tenant", []string{"https://gitea.example.com"}, true},
		{"tenant", []string{server.URL}, false},
		{"trueup", nil, false},
	} {
		forges := scm.New(scm.Options{Namespace: "trueup", Confined: true, Allowed: tc.allowed, Objects: objects{secrets: map[string]scm.Secret{"trueup/app": app}}})
		for name, gen := range map[string]v1alpha1.PullRequestGenerator{"app": withApp, "token": without} {
			before := asked.Load()
			_, err := forges.PullRequests(t.Context(), tc.namespace, &gen)
			if denied := fault.Of(err) == fault.Denied; denied != tc.denied || (asked.Load() > before) == tc.denied {
				t.Errorf("%s in %s, allowed %v: asked %d times, %v", name, tc.namespace, tc.allowed, asked.Load()-before, err)
			}
		}
		forges.Close()
	}
}

// TestGiteaUser lists the repositories of a user where the owner is no
// organization.
func TestGiteaUser(t *testing.T) {
	t.Parallel()
	server := scmtest.Gitea(t, scmtest.Shop())
	server.Break(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.HasPrefix(r.URL.Path, "/api/v1/orgs/"):
			w.WriteHeader(http.StatusNotFound)
		case r.URL.Path == "/api/v1/users/ana/repos":
			w.Header().Set("X-Total-Count", "1")
			_, _ = fmt.Fprint(w, `[{"id":3,"name":"notes","empty":true,"ssh_url":"git@x:ana/notes"}]`)
		case strings.HasSuffix(r.URL.Path, "/labels"):
			_, _ = fmt.Fprint(w, `[]`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
		return true
	})
	forges := scm.New(scm.Options{})
	defer forges.Close()
	list := func(owner string) ([]appset.Repository, error) {
		o, err := forges.Organization(t.Context(), "sets", &v1alpha1.SCMProviderGenerator{Gitea: &v1alpha1.SCMProviderGeneratorGitea{Owner: owner, API: server.URL}})
		if err != nil {
			return nil, err
		}
		return o.Repositories(t.Context())
	}
	got, err := list("ana")
	want := []appset.Repository{{Organization: "ana", Name: "notes", ID: "3", URL: "git@x:ana/notes"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := list("nobody"); fault.Of(err) != fault.Missing {
		t.Errorf("nobody: %v", err)
	}
}
