package agent_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/forgetest"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/render"
	sops "github.com/trueup-dev/trueup/internal/secret"
)

// said is a comment of a pull request.
type said struct {
	ID   int64  `json:"id"`
	Body string `json:"body"`
	User struct {
		Login string `json:"login"`
	} `json:"user"`
}

// reviewed is a repository on a forge whose pull requests are previewed by bot.
type reviewed struct {
	*world
	forge          *forgetest.Forge
	repo           *forgetest.Repository
	ana, bot, eve  forgetest.User
	hook, external string
}

// review runs an agent that previews: it polls once an hour, so that what is
// seen sooner came by a webhook.
func review(t *testing.T, changes ...func(*agent.Options)) *reviewed {
	t.Helper()
	v := &reviewed{forge: forgetest.Start(t)}
	address := freeAddress(t)
	v.hook, v.external = "http://"+address+"/api/webhook", "http://"+address
	v.world = start(t, append([]func(*agent.Options){func(o *agent.Options) {
		o.Poll, o.Webhooks = time.Hour, address
		o.Previews = agent.PreviewOptions{
			URL: v.external, Live: true, Policies: []string{".trueup/policies"}, Untrusted: render.New(o.Engines, render.UntrustedLimits()).Decrypting(sops.Closed{}),
			Closed: render.New(o.Engines, render.DefaultLimits()).Decrypting(sops.Closed{}),
		}
	}}, changes...)...)
	v.ana, v.bot, v.eve = v.forge.User("ana"), v.forge.User("bot"), v.forge.User("eve")
	v.repo = v.forge.Repository(v.ana, "shop")
	v.repo.Push("Start", map[string]string{
		"app/cm.yaml":             shop("main"),
		".trueup/policies/s.rego": "package main\n\ndeny contains msg if {\n\tinput.data.step == \"denied\"\n\tmsg := \"there is no such step\"\n}\n",
	})
	v.repo.Let(v.bot, "admin") // who may not administer is not told what others may do
	v.repo.Let(v.eve, "read")
	for _, s := range []*corev1.Secret{
		{ObjectMeta: metav1.ObjectMeta{Name: "trueup-webhook"}, StringData: map[string]string{"webhook.gitea.secret": "key"}},
		{
			ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{kube.SecretTypeLabel: kube.SecretRepo}},
			StringData: map[string]string{"url": v.repo.URL, "username": "bot", "password": v.forge.Token(v.bot), "previews": "true", "forge": "gitea"},
		},
	} {
		s.Namespace = v.namespace
		v.must(v.client.Create(t.Context(), s))
	}
	v.until("the agent knows the webhook's secret", func(context.Context) bool { return v.knock(v.hook, "key") == 204 })
	v.repo.Webhook(v.hook, "key")
	v.app("shop", "app", func(a *v1alpha1.Application) { a.Spec.Source.RepoURL = v.repo.URL })
	v.await("shop", "synced", good)
	return v
}

func (v *reviewed) comments(pull int64) []said {
	v.t.Helper()
	var all []said
	v.forge.Call(http.MethodGet, fmt.Sprintf("/repos/ana/shop/issues/%d/comments", pull), nil, &all)
	return all
}

// sticky waits until bot's comment about a preview says all of some things,
// and there is one such comment only.
func (v *reviewed) sticky(pull int64, what string, parts ...string) string {
	v.t.Helper()
	var body string
	defer func() {
		if v.t.Failed() {
			v.t.Logf("%s: the comment is\n%s", what, body)
		}
	}()
	v.until(what, func(context.Context) bool {
		n := 0
		for _, c := range v.comments(pull) {
			if c.User.Login == "bot" && strings.HasPrefix(c.Body, "<!-- trueup:preview v1 instance=agent -->") {
				body = c.Body
				n++
			}
		}
		if n > 1 {
			v.t.Fatalf("there are %d comments", n)
		}
		for _, part := range parts {
			if !strings.Contains(body, part) {
				return false
			}
		}
		return n == 1
	})
	return body
}

// answer waits for bot's answer to the last comment of somebody.
func (v *reviewed) answer(pull int64, who forgetest.User, command, want string) {
	v.t.Helper()
	v.repo.Comment(who, pull, command)
	got := ""
	defer func() {
		if v.t.Failed() {
			v.t.Logf("%s's %s is answered with %q", who.Name, command, got)
		}
	}()
	v.until(who.Name+"'s "+command+" is answered with "+want, func(context.Context) bool {
		var last int64
		all := v.comments(pull)
		for _, c := range all {
			if c.User.Login == who.Name && c.Body == command {
				last = c.ID
			}
		}
		for _, c := range all {
			if strings.HasPrefix(c.Body, fmt.Sprintf("<!-- trueup:answer v1 instance=agent to=%d -->", last)) && c.User.Login == "bot" {
				got = c.Body
			}
		}
		return strings.Contains(got, want)
	})
}

// status waits until the newest status of a name says something.
func (v *reviewed) status(commit, name, state, description string) (url string) {
	v.t.Helper()
	v.until(name+" of "+commit[:7]+" is "+state+": "+description, func(context.Context) bool {
		var all []struct {
			Status, Context, Description string
			URL                          string `json:"target_url"`
		}
		v.forge.Call(http.MethodGet, "/repos/ana/shop/commits/"+commit+"/statuses?sort=oldest", nil, &all)
		for _, s := range slices.Backward(all) { // times have whole seconds only
			if s.Context == name {
				url = s.URL
				return s.Status == state && strings.HasPrefix(s.Description, description)
			}
		}
		return false
	})
	return url
}

// TestPreviewsOfPullRequests is what the agent does for a reviewer: a comment
// within a second, with what merging would do; edited when somebody pushes;
// commands, for those who may; and after the merge, what became of it. A
// restart in between repeats nothing.
func TestPreviewsOfPullRequests(t *testing.T) {
	t.Parallel()
	v := review(t)
	first := v.repo.PushTo("feature", "Two", map[string]string{"app/cm.yaml": shop("two")})
	opening := time.Now()
	pull := v.repo.Open("feature", "Two")
	opened := time.Now()
	t.Logf("the forge takes to open a pull request: %s", opened.Sub(opening))
	v.sticky(pull, "there is a comment")
	t.Logf("from opening to the first comment: %s", time.Since(opened))
	v.sticky(pull, "the preview is there", "### Preview: 1 of 1 application changes: 1 update", "- data.step: main", "+ data.step: two", "head <code>"+first[:7]+"</code>", "on in-cluster")
	t.Logf("from opening to the preview: %s", time.Since(opened))
	url := v.status(first, "trueup/preview", "success", "1 of 1 application changes: 1 update")
	if page := v.get(url); !strings.HasPrefix(url, v.external+"/previews/") || !strings.Contains(page, "two") {
		t.Errorf("the page at %s: %.100s", url, page)
	}

	pushed := time.Now()
	second := v.repo.PushTo("feature", "Three", map[string]string{"app/cm.yaml": shop("three")})
	v.sticky(pull, "the comment is about the new head", "+ data.step: three", "head <code>"+second[:7]+"</code>")
	t.Logf("from pushing to the new preview: %s", time.Since(pushed))
	v.status(second, "trueup/preview", "success", "1 of 1 application changes: 1 update")

	v.answer(pull, v.eve, "/trueup sync", "refused: eve may not write to this repository")
	v.answer(pull, v.ana, "/trueup sync", "not merged yet")
	v.answer(pull, v.ana, "/trueup help", "/trueup sync [APPLICATION")

	v.restart()
	v.until("the agent is back", func(context.Context) bool { return v.knock(v.hook, "key") == 204 })
	v.answer(pull, v.ana, "/trueup preview", "previewing again")
	v.sticky(pull, "the comment is as it was", "### Preview: 1 of 1 application changes: 1 update", "head <code>"+second[:7]+"</code>")
	var mine []string
	for _, c := range v.comments(pull) {
		if c.User.Login == "bot" {
			mine = append(mine, regexp.MustCompile(`trueup:(\w+)`).FindStringSubmatch(c.Body)[1])
		}
	}
	if diff := cmp.Diff([]string{"preview", "answer", "answer", "answer", "answer"}, mine); diff != "" {
		t.Errorf("comments of the agent (-want +got):\n%s", diff)
	}

	merged := time.Now()
	v.repo.Merge(pull)
	v.sticky(pull, "the merge is told", "### After the merge: applied and healthy in 1 application", "**in-cluster**", "+ data.step: three")
	t.Logf("from merging to told as applied: %s", time.Since(merged))
	app := v.await("shop", "at the merge", good)
	v.status(app.Status.Sync.Revision, "trueup/applied", "success", "applied and healthy in 1 application")

	v.answer(pull, v.ana, "/trueup sync other", "refused: this pull request does not change other")
	v.answer(pull, v.ana, "/trueup sync", "shop: a sync was asked for")
	v.await("shop", "synced by ana", func(a *v1alpha1.Application) bool {
		h := a.Status.History
		return a.Operation == nil && len(h) > 0 && h[len(h)-1].InitiatedBy.Username == fmt.Sprintf("ana (pull request %d)", pull)
	})
	v.until("previews are counted", func(context.Context) bool {
		return v.count("trueup_previews_total", "changed") >= 1 && v.count("trueup_preview_commands_total", "refused", "sync") >= 1 && v.count("trueup_preview_commands_total", "done", "sync") >= 1
	})
}

func (v *reviewed) get(url string) string {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, url, nil)
	v.must(err)
	res, err := http.DefaultClient.Do(req)
	v.must(err)
	defer res.Body.Close() //nolint:errcheck // it was read
	body := make([]byte, 1<<20)
	n := 0
	for {
		k, err := res.Body.Read(body[n:])
		if n += k; err != nil || n == len(body) {
			return string(body[:n])
		}
	}
}

// TestPreviewOfAFork: a change of somebody who may not write is previewed
// without what is secret or live, says so, and its author orders nothing.
func TestPreviewOfAFork(t *testing.T) {
	t.Parallel()
	v := review(t)
	pull := v.repo.OpenFrom(v.eve, "mine", "Mine", map[string]string{
		"app/cm.yaml":            shop("<b>@everyone</b>"),
		"app/kustomization.yaml": "resources: [cm.yaml, \"https://example.invalid/base.yaml\"]\n",
	})
	v.sticky(pull, "the fork's change is not opened beyond what base reads", "may not push here", "cannot be rendered")
	v.answer(pull, v.eve, "/trueup preview", "refused: eve may not write to this repository")
	v.repo.Close(pull)
	plain := v.repo.OpenFrom(v.bot, "theirs", "Theirs", map[string]string{"app/cm.yaml": shop("denied"), ".trueup/policies/s.rego": "package main\n"})
	body := v.sticky(plain, "a fork's change is previewed, by the policies of base", "1 of 1 application changes: 1 update", "may not push here", "there is no such step", "the change alters policies")
	if strings.Contains(body, "live:") || strings.Contains(body, "as of ") {
		t.Errorf("a cluster was asked for a fork:\n%s", body)
	}
}
