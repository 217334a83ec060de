package scm_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/wire"
	"github.com/trueup-dev/trueup/internal/scm"
	"github.com/trueup-dev/trueup/internal/scm/rest"
	"github.com/trueup-dev/trueup/internal/scm/scmtest"
)

// placeOf is the repository web of a served world, as Locate would give it.
func placeOf(name, url string) (scm.Repository, wire.Auth) {
	token := wire.Auth{Username: "ana", Password: scmtest.Token}
	r := scm.Repository{API: url, Owner: "shop", Name: "web"}
	switch {
	case name == "bitbucket cloud":
		r.Forge, r.API = "bitbucket", url+"/2.0"
	case strings.HasPrefix(name, "bitbucket server"):
		r.Forge = "bitbucketServer"
		return r, wire.Auth{BearerToken: scmtest.Token}
	case name == "azure":
		r.Forge, r.Organization, r.Owner = "azureDevOps", "shop", "store"
	default:
		r.Forge = name
	}
	return r, token
}

// TestPropose: a pull request is opened, found again, and not opened twice.
func TestPropose(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind, server *scmtest.Server, forges *scm.Forges) {
		r, auth := placeOf(k.name, server.URL)
		c := rest.Change{Title: "Adopt \"it\"", Body: "| a | b |\n<code>", Branch: "main-2", Base: "main"}
		if n, found, err := forges.Open(t.Context(), r, auth, c); err != nil || found {
			t.Fatalf("before there is one: %d, %v, %v", n, found, err)
		}
		number, err := forges.Create(t.Context(), r, auth, c)
		if err != nil || number != 8 {
			t.Fatalf("opened %d, %v", number, err)
		}
		server.Change(func(w *scmtest.World) {
			made := w.Repositories[0].Pulls[7]
			want := scmtest.Pull{Number: 8, Title: c.Title, Body: c.Body, Branch: "main-2", Target: "main", State: "open", Author: "ana", SHA: made.SHA}
			if diff := cmp.Diff(want, made); diff != "" {
				t.Errorf("the forge was told (-want +got):\n%s", diff)
			}
		})
		if n, found, err := forges.Open(t.Context(), r, auth, c); err != nil || !found || n != 8 {
			t.Errorf("afterwards: %d, %v, %v", n, found, err)
		}
		if n, err := forges.Create(t.Context(), r, auth, c); fault.Of(err) != fault.Invalid {
			t.Errorf("once more: %d, %v", n, err)
		}
	})
}

// TestProposeTrouble: whatever a forge answers, no number is made up, and no
// error shows the token.
func TestProposeTrouble(t *testing.T) {
	t.Parallel()
	answers := map[string]struct {
		status int
		body   string
		kind   fault.Kind
	}{
		"refused":            {http.StatusForbidden, `{"message":"no"}`, fault.Denied},
		"not there":          {http.StatusNotFound, `{"message":"no"}`, fault.Missing},
		"not accepted":       {http.StatusUnprocessableEntity, `{"message":"Validation Failed ` + scmtest.Token + `"}`, fault.Invalid},
		"broken":             {http.StatusBadGateway, "<html>", fault.Transient},
		"no number":          {http.StatusCreated, `{}`, fault.Transient},
		"another form":       {http.StatusCreated, `[]`, fault.Transient},
		"half of an answer":  {http.StatusCreated, `{"number": 8, "iid"`, fault.Transient},
		"a page for a login": {http.StatusOK, "<html>", fault.Transient},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, k kind, server *scmtest.Server, forges *scm.Forges) {
				server.Break(func(w http.ResponseWriter, r *http.Request) bool {
					if r.Method != http.MethodPost {
						return false
					}
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(answer.status)
					_, _ = w.Write([]byte(answer.body))
					return true
				})
				r, auth := placeOf(k.name, server.URL)
				before := server.Requests()
				number, err := forges.Create(t.Context(), r, auth, rest.Change{Title: "t", Branch: "main-2", Base: "main"})
				if number != 0 || fault.Of(err) != answer.kind || strings.Contains(err.Error(), scmtest.Token) {
					t.Errorf("got %d, %v (%s), want %s", number, err, fault.Of(err), answer.kind)
				}
				if n := server.Requests() - before; n > 3 {
					t.Errorf("it was asked %d times", n)
				}
			})
		})
	}
}

func TestProposeWithoutToken(t *testing.T) {
	t.Parallel()
	forges := scm.New(scm.Options{Objects: withToken(), REST: rest.Options{Timeout: time.Second}})
	t.Cleanup(forges.Close)
	r := scm.Repository{Forge: "gitea", API: "https://git.example.com", Owner: "shop", Name: "web"}
	for _, auth := range []wire.Auth{{}, {SSHPrivateKey: "key", Password: "of the key"}} {
		if _, err := forges.Create(t.Context(), r, auth, rest.Change{}); fault.Of(err) != fault.Denied {
			t.Errorf("got %v", err)
		}
	}
}

func TestLocate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ url, kind, forge, api, page string }{
		{"https://github.com/shop/config.git", "", "github", "https://api.github.com/", "https://github.com/shop/config/pull/7"},
		{"git@github.com:shop/config.git", "", "github", "https://api.github.com/", "https://github.com/shop/config/pull/7"},
		{"https://github.example.com/shop/config", "", "github", "https://github.example.com", "https://github.example.com/shop/config/pull/7"},
		{"https://gitlab.com/shop/teams/config.git", "", "gitlab", "https://gitlab.com/", "https://gitlab.com/shop/teams/config/-/merge_requests/7"},
		{"ssh://git@gitlab.example.com:2222/shop/config.git", "", "gitlab", "https://gitlab.example.com", "https://gitlab.example.com/shop/config/-/merge_requests/7"},
		{"http://127.0.0.1:3000/ana/config.git", "gitea", "gitea", "http://127.0.0.1:3000", "http://127.0.0.1:3000/ana/config/pulls/7"},
		{"https://git.example.com/git/ana/config.git", "gitea", "gitea", "https://git.example.com/git", "https://git.example.com/git/ana/config/pulls/7"},
		{"https://codeberg.org/ana/config", "", "gitea", "https://codeberg.org", "https://codeberg.org/ana/config/pulls/7"},
		{"https://bitbucket.org/shop/config.git", "", "bitbucket", "https://api.bitbucket.org/2.0", "https://bitbucket.org/shop/config/pull-requests/7"},
		{"https://bitbucket.example.com/scm/SHOP/config.git", "", "bitbucketServer", "https://bitbucket.example.com", "https://bitbucket.example.com/projects/SHOP/repos/config/pull-requests/7"},
		{"https://ana@dev.azure.com/shop/store/_git/config", "", "azureDevOps", "", "https://dev.azure.com/shop/store/_git/config/pullrequest/7"},
		{"git@ssh.dev.azure.com:v3/shop/my%20store/config", "", "azureDevOps", "", "https://dev.azure.com/shop/my%20store/_git/config/pullrequest/7"},
		{"https://shop.visualstudio.com/store/_git/config", "", "azureDevOps", "", "https://dev.azure.com/shop/store/_git/config/pullrequest/7"},
	} {
		r, err := scm.Locate(tc.url, tc.kind, "")
		if err != nil || r.Forge != tc.forge || strings.TrimRight(r.API, "/") != strings.TrimRight(tc.api, "/") || r.URL(7) != tc.page {
			t.Errorf("%s: %+v, %s, %v", tc.url, r, r.URL(7), err)
		}
	}
	for _, url := range []string{"https://git.example.com/ana/config.git", "file:///srv/config.git"} {
		if r, err := scm.Locate(url, "", ""); fault.Of(err) != fault.Missing {
			t.Errorf("%s: %+v, %v", url, r, err)
		}
	}
}
