package agent_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/forgetest"
	"github.com/trueup-dev/trueup/internal/kube"
)

// at tells that an application is synced to a commit.
func at(sha string) func(*v1alpha1.Application) bool {
	return func(app *v1alpha1.Application) bool { return good(app) && app.Status.Sync.Revision == sha }
}

// count adds up a counter over what has all of these values as labels.
func (w *world) count(name string, labels ...string) float64 {
	w.t.Helper()
	families, err := w.metrics.Gather()
	w.must(err)
	sum := 0.0
	for _, family := range families {
		for _, m := range family.Metric {
			var values []string
			for _, l := range m.Label {
				values = append(values, l.GetValue())
			}
			if family.GetName() == name && strings.HasPrefix(strings.Join(values, " "), strings.Join(labels, " ")) {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// knock sends a webhook without effect, signed with a secret, and tells the
// answer.
func (w *world) knock(address, secret string) int {
	const body = "{}"
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, address, strings.NewReader(body))
	w.must(err)
	req.Header.Set("X-Gitea-Event", "ping")
	req.Header.Set("X-Gitea-Signature", hex.EncodeToString(mac.Sum(nil)))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	w.must(res.Body.Close())
	return res.StatusCode
}

// TestPrivateRepository: with a poll per hour, what changes the application is
// the secret or a webhook. A wrong token is told and recovers by a new one, a
// push arrives at once, and one whose webhook proves nothing moves nothing.
func TestPrivateRepository(t *testing.T) {
	t.Parallel()
	forge := forgetest.Start(t)
	address := freeAddress(t)
	w := start(t, func(o *agent.Options) { o.Poll, o.Webhooks = time.Hour, address })
	hook := "http://" + address + "/api/webhook"
	ana := forge.User("ana")
	repo := forge.Repository(ana, "config")
	first := repo.Push("Start", map[string]string{"app/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {step: first}\n"})

	token := forge.Token(ana)
	credentials := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "config", Namespace: w.namespace, Labels: map[string]string{kube.SecretTypeLabel: kube.SecretRepo}},
		StringData: map[string]string{"url": strings.TrimSuffix(repo.URL, ".git") + "/", "username": "ana", "password": "not-the-token"},
	}
	w.must(w.client.Create(t.Context(), credentials))
	w.app("private", "app", func(a *v1alpha1.Application) { a.Spec.Source.RepoURL = repo.URL })
	app := w.await("private", "telling that the token is wrong", says("ComparisonError", "authenti"))
	if text := says("ComparisonError", "not-the-token"); text(app) {
		t.Error("the status shows the token")
	}

	began := time.Now()
	w.rotate(credentials, "password", token)
	w.await("private", "synced with the new token", at(first))
	t.Logf("from the new token to synced: %s", time.Since(began))

	key := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "trueup-webhook", Namespace: w.namespace}, StringData: map[string]string{"webhook.gitea.secret": "key"}}
	if code := w.knock(hook, "key"); code != http.StatusUnauthorized {
		t.Errorf("a webhook before there is a secret: %d", code)
	}
	w.must(w.client.Create(t.Context(), key))
	w.until("the agent knows the secret", func(context.Context) bool { return w.knock(hook, "key") == http.StatusNoContent })
	repo.Webhook(hook, "key")
	began = time.Now()
	second := repo.Push("Go on", map[string]string{"app/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {step: second}\n"})
	pushed := time.Now()
	polls := w.count("trueup_git_polls_total")
	w.until("the push is seen", func(context.Context) bool { return w.count("trueup_webhooks_total", "gitea", "accepted") > 0 })
	t.Logf("from the push to the webhook: %s", time.Since(pushed))
	w.await("private", "at the pushed commit", at(second))
	t.Logf("from the push to synced: %s, the push itself %s, polls before and after %v %v", time.Since(pushed), pushed.Sub(began), polls, w.count("trueup_git_polls_total"))

	// The agent is told another secret than the forge: what is pushed now
	// cannot be proved.
	w.rotate(key, "webhook.gitea.secret", "another")
	w.until("the agent knows the other secret", func(context.Context) bool { return w.knock(hook, "another") == http.StatusNoContent })
	refused := w.count("trueup_webhooks_total", "gitea", "unauthorized")
	polls = w.count("trueup_git_polls_total")
	repo.Push("Go on unseen", map[string]string{"app/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {step: third}\n"})
	w.until("the webhook is refused", func(context.Context) bool { return w.count("trueup_webhooks_total", "gitea", "unauthorized") > refused })
	w.rotate(key, "webhook.gitea.secret", "key")
	w.until("the agent knows the secret again", func(context.Context) bool { return w.knock(hook, "key") == http.StatusNoContent })
	w.await("private", "still at the second commit", at(second))
	if now := w.count("trueup_git_polls_total"); now != polls {
		t.Errorf("a webhook with a wrong signature made %v polls", now-polls)
	}
	last := repo.Push("Go on", map[string]string{"app/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {step: last}\n"})
	w.await("private", "at the last commit", at(last))
}

// rotate changes one field of a secret.
func (w *world) rotate(s *corev1.Secret, key, value string) {
	w.t.Helper()
	next := s.DeepCopy()
	next.StringData = map[string]string{key: value}
	w.must(w.client.Patch(w.t.Context(), next, client.MergeFrom(s)))
	next.DeepCopyInto(s)
	s.StringData = nil
}
