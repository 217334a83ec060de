package web_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/agent/web"
)

// desk notes what webhooks do.
type desk struct {
	mu              sync.Mutex
	pushed, changed []string
	result          string
}

func (d *desk) Pushed(urls []string) web.Concerned {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pushed = append(d.pushed, urls...)
	return web.Concerned{Repositories: len(urls)}
}

func (d *desk) Changed(urls []string) web.Concerned {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changed = append(d.changed, urls...)
	return web.Concerned{ApplicationSets: 2}
}

func (d *desk) received(provider, result string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.result = provider + " " + result
}

func (d *desk) handler(secrets map[string][]string) http.Handler {
	return web.Webhooks(web.WebhookOptions{
		Secrets: func(_ context.Context, name string) ([]string, error) { return secrets[name], nil },
		Pusher:  d, Received: d.received,
	})
}

func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

func payload(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "webhooks", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// What Azure DevOps sends with each of its service hooks: hook:key.
const azure, azureProof = "X-Vss-Activityid: 7f0c", "Authorization: Basic aG9vazprZXk="

// all are secrets for every provider.
func all() map[string][]string {
	return map[string][]string{
		"github.secret": {"older", "key"}, "gitea.secret": {"key"}, "gogs.secret": {"gogs-key"}, "gitlab.secret": {"key"},
		"azuredevops.username": {"hook"}, "azuredevops.password": {"key"},
		"bitbucket.uuid": {"{d2e8c1b4-9d55-4b8e-b3a7-0e5f4a3b2c1d}"}, "bitbucket.secret": {"key"}, "bitbucketserver.secret": {"key"},
	}
}

// post sends a request whose headers are given as "Name: value"; SIGNED stands
// for the body's signature with "key".
func post(h http.Handler, body string, headers ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, "/api/webhook", strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, strings.ReplaceAll(value, "SIGNED", sign("key", body)))
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec
}

func TestPushes(t *testing.T) {
	t.Parallel()
	github := []string{"git@github.com:acme/config.git", "https://github.com/acme/config", "https://github.com/acme/config.git"}
	gitea := []string{"http://gitea.example:3000/acme/config", "http://gitea.example:3000/acme/config.git", "ssh://git@gitea.example:2222/acme/config.git"}
	gogs := []string{"git@gogs.example:acme/config.git", "https://gogs.example/acme/config", "https://gogs.example/acme/config.git"}
	gitlab := []string{"git@gitlab.example:acme/platform/config.git", "https://gitlab.example/acme/platform/config", "https://gitlab.example/acme/platform/config.git"}
	form := url.Values{"payload": {payload(t, "github")}}.Encode()
	system := strings.Replace(payload(t, "gitlab"), `"object_kind": "push", `, "", 1)
	for _, tc := range []struct {
		reason, body string
		headers      []string
		provider     string
		want         []string
	}{
		{"GitHub", payload(t, "github"), []string{"X-GitHub-Event: push", "X-Hub-Signature-256: sha256=SIGNED"}, "github", github},
		{"GitHub creates a tag", payload(t, "github"), []string{"X-GitHub-Event: create", "X-Hub-Signature-256: sha256=SIGNED"}, "github", github},
		{"GitHub with the form that is its default", form, []string{"Content-Type: application/x-www-form-urlencoded", "X-GitHub-Event: push", "X-Hub-Signature-256: sha256=SIGNED"}, "github", github},
		{"Gitea, which sends GitHub's and Gogs's headers, too", payload(t, "gitea"),
			[]string{"X-Gitea-Event: push", "X-Gogs-Event: push", "X-GitHub-Event: push", "X-Gitea-Signature: SIGNED"}, "gitea", gitea},
		{"Gitea by GitHub's signature", payload(t, "gitea"), []string{"X-Gitea-Event: push", "X-Hub-Signature-256: sha256=SIGNED"}, "gitea", gitea},
		{"Gitea with the secret that Argo CD takes for it", payload(t, "gitea"),
			[]string{"X-Gitea-Event: push", "X-Gitea-Signature: " + sign("gogs-key", payload(t, "gitea"))}, "gitea", gitea},
		{"Forgejo", payload(t, "gitea"), []string{"X-Forgejo-Event: push", "X-Forgejo-Signature: SIGNED"}, "gitea", gitea},
		{"Gogs", payload(t, "gogs"), []string{"X-Gogs-Event: push", "X-Gogs-Signature: " + sign("gogs-key", payload(t, "gogs"))}, "gogs", gogs},
		{"GitLab", payload(t, "gitlab"), []string{"X-Gitlab-Event: Push Hook", "X-Gitlab-Token: key"}, "gitlab", gitlab},
		{"GitLab's tags", strings.ReplaceAll(payload(t, "gitlab"), `"push"`, `"tag_push"`), []string{"X-Gitlab-Event: Tag Push Hook", "X-Gitlab-Token: key"}, "gitlab", gitlab},
		{"GitLab's hook of the whole server", system, []string{"X-Gitlab-Event: System Hook", "X-Gitlab-Token: key"}, "gitlab", gitlab},
		{"Bitbucket Cloud by its id", payload(t, "bitbucket"), []string{"X-Event-Key: repo:push", "X-Hook-UUID: d2e8c1b4-9d55-4b8e-b3a7-0e5f4a3b2c1d"}, "bitbucket",
			[]string{"https://bitbucket.org/acme/config"}},
		{"Bitbucket Cloud by a signature", payload(t, "bitbucket"), []string{"X-Event-Key: repo:push", "X-Hook-UUID: another", "X-Hub-Signature: sha256=SIGNED"}, "bitbucket",
			[]string{"https://bitbucket.org/acme/config"}},
		{"Bitbucket Server, whose URLs for cloning are derived", payload(t, "bitbucketserver"), []string{"X-Event-Key: repo:refs_changed", "X-Hub-Signature: sha256=SIGNED"}, "bitbucketserver",
			[]string{"https://bitbucket.example:7990/context/scm/PLAT/config", "ssh://bitbucket.example/PLAT/config"}},
		{"Azure DevOps, whose project and repository have one name", payload(t, "azuredevops"), []string{azure, azureProof}, "azuredevops", []string{
			"https://acme.visualstudio.com/DefaultCollection/Store%20Front/_git/Store%20Front", "https://acme.visualstudio.com/Store%20Front/_git/Store%20Front",
			"https://acme@dev.azure.com/acme/_git/Store%20Front", "https://dev.azure.com/acme/Store%20Front/_git/Store%20Front",
			"ssh://ssh.dev.azure.com/v3/acme/Store%20Front/Store%20Front", "ssh://vs-ssh.visualstudio.com/v3/acme/Store%20Front/Store%20Front",
		}},
		{"Azure DevOps by its old host", strings.Replace(payload(t, "azuredevops"), "acme@dev.azure.com/acme/_git", "acme.visualstudio.com/DefaultCollection/Store%20Front/_git", 1), []string{azure, azureProof}, "azuredevops", []string{
			"https://acme.visualstudio.com/DefaultCollection/Store%20Front/_git/Store%20Front", "https://acme.visualstudio.com/Store%20Front/_git/Store%20Front",
			"https://dev.azure.com/acme/Store%20Front/_git/Store%20Front",
			"ssh://ssh.dev.azure.com/v3/acme/Store%20Front/Store%20Front", "ssh://vs-ssh.visualstudio.com/v3/acme/Store%20Front/Store%20Front",
		}},
		{"a server of Azure DevOps of one's own", strings.Replace(payload(t, "azuredevops"), "acme@dev.azure.com/acme/_git", "tfs.example:8080/tfs/Shop/Store%20Front/_git", 1), []string{azure, azureProof}, "azuredevops", []string{
			"https://tfs.example:8080/tfs/Shop/Store%20Front/Store%20Front", "https://tfs.example:8080/tfs/Shop/Store%20Front/_git/Store%20Front",
			"ssh://tfs.example/tfs/Shop/Store%20Front/_git/Store%20Front",
		}},
	} {
		d := &desk{}
		rec := post(d.handler(all()), tc.body, tc.headers...)
		if rec.Code != http.StatusAccepted || d.result != tc.provider+" accepted" {
			t.Errorf("%s: %d %s, %s", tc.reason, rec.Code, rec.Body, d.result)
		}
		if diff := cmp.Diff(tc.want, d.pushed); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	merge := strings.ReplaceAll(payload(t, "gitlab"), `"push"`, `"merge_request"`)
	for _, tc := range []struct {
		reason, body string
		headers      []string
		want         string // one of the URLs
	}{
		{"GitHub's pull request", payload(t, "github"), []string{"X-GitHub-Event: pull_request", "X-Hub-Signature-256: sha256=SIGNED"}, "https://github.com/acme/config"},
		{"GitHub's repository", payload(t, "github"), []string{"X-GitHub-Event: repository", "X-Hub-Signature-256: sha256=SIGNED"}, "https://github.com/acme/config"},
		{"Gitea's new commits", payload(t, "gitea"), []string{"X-Gitea-Event: pull_request_sync", "X-Gitea-Signature: SIGNED"}, "http://gitea.example:3000/acme/config"},
		{"GitLab", merge, []string{"X-Gitlab-Event: Merge Request Hook", "X-Gitlab-Token: key"}, "https://gitlab.example/acme/platform/config"},
		{"GitLab's hook of the whole server", merge, []string{"X-Gitlab-Event: System Hook", "X-Gitlab-Token: key"}, "https://gitlab.example/acme/platform/config"},
		{"Bitbucket Cloud", payload(t, "bitbucket"), []string{"X-Event-Key: pullrequest:created", "X-Hook-UUID: d2e8c1b4-9d55-4b8e-b3a7-0e5f4a3b2c1d"}, "https://bitbucket.org/acme/config"},
		{"Bitbucket Server, the repository that it is to be merged into", payload(t, "bitbucketserver_pull"),
			[]string{"X-Event-Key: pr:from_ref_updated", "X-Hub-Signature: sha256=SIGNED"}, "https://bitbucket.example:7990/context/scm/PLAT/config"},
		{"Azure DevOps", payload(t, "azuredevops_pull"), []string{azure, azureProof}, "ssh://ssh.dev.azure.com/v3/acme/store/config"},
	} {
		d := &desk{}
		rec := post(d.handler(all()), tc.body, tc.headers...)
		if rec.Code != http.StatusAccepted || !strings.Contains(rec.Body.String(), `"applicationSets":2`) || len(d.pushed) > 0 {
			t.Errorf("%s: %d %s, pushed %q", tc.reason, rec.Code, rec.Body, d.pushed)
		}
		if !slices.Contains(d.changed, tc.want) {
			t.Errorf("%s: %q lacks %s", tc.reason, d.changed, tc.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	push, signed := "X-GitHub-Event: push", "X-Hub-Signature-256: sha256=SIGNED"
	issue := strings.ReplaceAll(payload(t, "gitlab"), `"push"`, `"issue"`)
	large := strings.Repeat(" ", 9<<20)
	for _, tc := range []struct {
		reason, body string
		headers      []string
		code         int
		result       string
	}{
		{"nobody's headers", payload(t, "github"), nil, 400, " unknown"},
		{"a wrong signature", payload(t, "github"), []string{push, "X-Hub-Signature-256: sha256=" + sign("guess", payload(t, "github"))}, 401, "github unauthorized"},
		{"a signature of another body", payload(t, "github"), []string{push, "X-Hub-Signature-256: sha256=" + sign("key", "{}")}, 401, "github unauthorized"},
		{"a signature that is none", payload(t, "github"), []string{push, "X-Hub-Signature-256: sha256=zz"}, 401, "github unauthorized"},
		{"an empty signature", payload(t, "github"), []string{push, "X-Hub-Signature-256: sha256="}, 401, "github unauthorized"},
		{"no signature", payload(t, "github"), []string{push}, 401, "github unauthorized"},
		{"a signature of the kind that is broken", payload(t, "github"), []string{push, "X-Hub-Signature: sha1=aaaa"}, 401, "github unauthorized"},
		{"the secret of another provider", payload(t, "gogs"), []string{"X-Gogs-Event: push", "X-Gogs-Signature: SIGNED"}, 401, "gogs unauthorized"},
		{"a wrong token", payload(t, "gitlab"), []string{"X-Gitlab-Event: Push Hook", "X-Gitlab-Token: guess"}, 401, "gitlab unauthorized"},
		{"a wrong id", payload(t, "bitbucket"), []string{"X-Event-Key: repo:push", "X-Hook-UUID: 1"}, 401, "bitbucket unauthorized"},
		{"a wrong password", payload(t, "azuredevops"), []string{azure, "Authorization: Basic aG9vazpndWVzcw=="}, 401, "azuredevops unauthorized"},
		{"a wrong user", payload(t, "azuredevops"), []string{azure, "Authorization: Basic b3RoZXI6a2V5"}, 401, "azuredevops unauthorized"},
		{"a password that is no user's", payload(t, "azuredevops"), []string{azure, "Authorization: key"}, 401, "azuredevops unauthorized"},
		{"a build", strings.Replace(payload(t, "azuredevops"), "git.push", "build.complete", 1), []string{azure, azureProof}, 204, "azuredevops ignored"},
		{"a large body of a stranger is not read", large, []string{"X-Gitlab-Event: Push Hook", "X-Gitlab-Token: guess"}, 401, "gitlab unauthorized"},
		{"a large body", large, []string{push, signed}, 413, "github too_large"},
		{"a ping", `{"zen": "Keep it logically awesome."}`, []string{"X-GitHub-Event: ping", signed}, 204, "github ignored"},
		{"an issue", issue, []string{"X-Gitlab-Event: System Hook", "X-Gitlab-Token: key"}, 204, "gitlab ignored"},
		{"no JSON", "{", []string{push, signed}, 400, "github malformed"},
		{"another shape", `{"repository": 1}`, []string{push, signed}, 400, "github malformed"},
		{"no repository", `{}`, []string{push, signed}, 400, "github malformed"},
		{"a form without a payload", "a=b", []string{"Content-Type: application/x-www-form-urlencoded", push, signed}, 400, "github malformed"},
		{"a page that is nobody's", strings.Replace(payload(t, "bitbucketserver"), "/projects/", "/p/", 1), []string{"X-Event-Key: repo:refs_changed", "X-Hub-Signature: sha256=SIGNED"}, 400, "bitbucketserver malformed"},
	} {
		d := &desk{}
		rec := post(d.handler(all()), tc.body, tc.headers...)
		if rec.Code != tc.code || d.result != tc.result || len(d.pushed)+len(d.changed) > 0 {
			t.Errorf("%s: %d %s, %q, pushed %q", tc.reason, rec.Code, rec.Body, d.result, d.pushed)
		}
	}
	d := &desk{}
	if rec := post(d.handler(nil), payload(t, "github"), push, "X-Hub-Signature-256: sha256="+sign("", payload(t, "github"))); rec.Code != 401 || len(d.pushed) > 0 {
		t.Errorf("without a secret: %d, pushed %q", rec.Code, d.pushed)
	}
	rec := httptest.NewRecorder()
	d.handler(all()).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/api/webhook", nil))
	if rec.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", rec.Code)
	}
}

// TestSecretsThatCannotBeRead: the sender learns nothing of why.
func TestSecretsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	d := &desk{}
	h := web.Webhooks(web.WebhookOptions{
		Secrets: func(context.Context, string) ([]string, error) {
			return nil, errors.New("the cache of node-7 is not filled")
		},
		Pusher: d, Received: d.received,
	})
	rec := post(h, payload(t, "github"), "X-GitHub-Event: push", "X-Hub-Signature-256: sha256=SIGNED")
	if rec.Code != 500 || strings.Contains(rec.Body.String(), "node-7") || d.result != "github failed" {
		t.Errorf("%d %s, %s", rec.Code, rec.Body, d.result)
	}
}

// TestManySlowSenders: those beyond the bound are told to come back, and the
// ones before them are served.
func TestManySlowSenders(t *testing.T) {
	t.Parallel()
	const bound = 16
	d := &desk{}
	h := d.handler(all())
	body := payload(t, "github")
	var writers []*io.PipeWriter
	codes := make(chan int, bound)
	for range bound {
		r, w := io.Pipe()
		writers = append(writers, w)
		req := httptest.NewRequest(http.MethodPost, "/api/webhook", r)
		req.Header.Set("X-GitHub-Event", "push")
		req.Header.Set("X-Hub-Signature-256", sign("key", body))
		go func() {
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, req)
			codes <- rec.Code
		}()
		if _, err := w.Write([]byte(body[:1])); err != nil { // returns when it is read: the sender is in
			t.Fatal(err)
		}
	}
	rec := post(h, body, "X-GitHub-Event: push", "X-Hub-Signature-256: sha256=SIGNED")
	if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" {
		t.Errorf("one too many: %d", rec.Code)
	}
	for _, w := range writers {
		if _, err := io.Copy(w, strings.NewReader(body[1:])); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for range bound {
		if code := <-codes; code != http.StatusAccepted {
			t.Errorf("a slow one: %d", code)
		}
	}
}

// FuzzWebhooks: whatever a sender that knows the secret writes, the answer is
// one of few, and only a push that names a repository has an effect.
func FuzzWebhooks(f *testing.F) {
	senders := [][]string{
		{"github", "X-GitHub-Event: push", "X-Hub-Signature-256: sha256=SIGNED"},
		{"gitea", "X-Gitea-Event: push", "X-Gitea-Signature: SIGNED"},
		{"gogs", "X-Gogs-Event: push", "X-Gogs-Signature: SIGNED"},
		{"gitlab", "X-Gitlab-Event: Push Hook", "X-Gitlab-Token: key"},
		{"bitbucket", "X-Event-Key: repo:push", "X-Hook-UUID: 1", "X-Hub-Signature: sha256=SIGNED"},
		{"bitbucketserver", "X-Event-Key: repo:refs_changed", "X-Hub-Signature: sha256=SIGNED"},
		{"azuredevops", azure, azureProof},
	}
	for i, s := range senders {
		f.Add(uint8(i), "application/json", []byte(payload(f, s[0])))
	}
	f.Add(uint8(0), "application/x-www-form-urlencoded", []byte("payload=%7B%7D"))
	secrets := all()
	secrets["gogs.secret"] = []string{"key"}
	f.Fuzz(func(t *testing.T, who uint8, kind string, body []byte) {
		d := &desk{}
		s := senders[int(who)%len(senders)]
		rec := post(d.handler(secrets), string(body), append(s[1:len(s):len(s)], "Content-Type: "+kind)...)
		switch rec.Code {
		case http.StatusAccepted:
			if len(d.pushed)+len(d.changed) == 0 {
				t.Error("accepted what names no repository")
			}
		case http.StatusNoContent, http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			if len(d.pushed) > 0 {
				t.Errorf("%d, and yet pushed %q", rec.Code, d.pushed)
			}
		default:
			t.Errorf("answered %d", rec.Code)
		}
	})
}
