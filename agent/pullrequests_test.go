package agent_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/forgetest"
	"github.com/trueup-dev/trueup/internal/kube"
)

// environments is a set with an application for each open pull request that
// has the label.
func environments(w *world, forge *forgetest.Forge, repo string) *v1alpha1.ApplicationSet {
	set := &v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: "environments", Namespace: w.namespace}}
	hourly := int64(3600) // what is seen sooner came by a webhook
	set.Spec.GoTemplate = true
	set.Spec.GoTemplateOptions = []string{"missingkey=error"}
	set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{{PullRequest: &v1alpha1.PullRequestGenerator{
		Gitea: &v1alpha1.PullRequestGeneratorGitea{
			Owner: "ana", Repo: "shop", API: forge.URL, Labels: []string{"preview"}, TokenRef: &v1alpha1.SecretRef{SecretName: "forge", Key: "token"},
		},
		RequeueAfterSeconds: &hourly,
		TTL:                 &metav1.Duration{Duration: 72 * time.Hour},
	}}}
	t := &set.Spec.Template
	t.Name = "shop-{{ .number }}"
	t.Labels = map[string]string{"branch": "{{ .branch_slug }}"}
	t.Spec = v1alpha1.ApplicationSpec{
		Project:     "default",
		Source:      &v1alpha1.ApplicationSource{RepoURL: repo, Path: "app", TargetRevision: "{{ .head_sha }}"},
		Destination: v1alpha1.ApplicationDestination{Name: "in-cluster", Namespace: w.namespace + "-pr-{{ .number }}"},
		SyncPolicy: &v1alpha1.SyncPolicy{
			Automated: &v1alpha1.SyncPolicyAutomated{Prune: true}, SyncOptions: v1alpha1.SyncOptions{"CreateNamespace=true"},
		},
	}
	return set
}

// TestPullRequestEnvironments: opening a pull request brings its application,
// a push to it the new commit, closing it takes the application and its
// objects away; the last one goes like any other, and so does one that nobody
// touched for the time to live. Gitea tells by webhook: the set itself asks
// once an hour.
func TestPullRequestEnvironments(t *testing.T) {
	t.Parallel()
	forge := forgetest.Start(t)
	address := freeAddress(t)
	w := start(t, func(o *agent.Options) { o.Poll, o.Webhooks = time.Hour, address })
	hook := "http://" + address + "/api/webhook"
	ana := forge.User("ana")
	repo := forge.Repository(ana, "shop")
	repo.Push("Start", map[string]string{"app/cm.yaml": shop("main")})
	token := forge.Token(ana)
	for _, s := range []*corev1.Secret{
		{ObjectMeta: metav1.ObjectMeta{Name: "forge"}, StringData: map[string]string{"token": token}},
		{ObjectMeta: metav1.ObjectMeta{Name: "trueup-webhook"}, StringData: map[string]string{"webhook.gitea.secret": "key"}},
		{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{kube.SecretTypeLabel: kube.SecretRepo}},
			StringData: map[string]string{"url": repo.URL, "username": "ana", "password": token}},
	} {
		s.Namespace = w.namespace
		w.must(w.client.Create(t.Context(), s))
	}
	w.until("the agent knows the webhook's secret", func(context.Context) bool { return w.knock(hook, "key") == 204 })
	repo.Webhook(hook, "key")
	w.must(w.client.Create(t.Context(), environments(w, forge, repo.URL)))
	w.until("the set finds that nothing is open", func(ctx context.Context) bool {
		set := w.set(ctx)
		return set.Status.ObservedGeneration == set.Generation && set.Status.ResourcesCount == 0
	})

	repo.PushTo("feature/Two", "Two", map[string]string{"app/cm.yaml": shop("two")})
	repo.PushTo("quiet", "Without a preview", map[string]string{"app/cm.yaml": shop("quiet")})
	repo.Open("quiet", "Without a preview")
	began := time.Now()
	two := repo.Open("feature/Two", "Add {{ two }}", "preview")
	name := fmt.Sprintf("shop-%d", two)
	app := w.await(name, "healthy with the pull request's content", good)
	t.Logf("from opening to healthy: %s", time.Since(began))
	if app.Labels["branch"] != "feature-two" {
		t.Errorf("labels %v", app.Labels)
	}
	w.holds(two, "two")

	pushed := time.Now()
	sha := repo.PushTo("feature/Two", "Go on", map[string]string{"app/cm.yaml": shop("two again")})
	w.await(name, "at the pushed commit", at(sha))
	t.Logf("from the push to synced: %s", time.Since(pushed))
	w.holds(two, "two again")

	repo.PushTo("three", "Three", map[string]string{"app/cm.yaml": shop("three")})
	opened := time.Now()
	three := repo.Open("three", "Three", "preview")
	w.await(fmt.Sprintf("shop-%d", three), "healthy beside the other", good)
	if set := w.set(t.Context()); set.Status.ResourcesCount != 2 {
		t.Errorf("%d applications; the pull request without the label must have none", set.Status.ResourcesCount)
	}

	closed := time.Now()
	repo.Close(two)
	w.gone(two)
	t.Logf("from closing to gone: %s", time.Since(closed))
	w.await(fmt.Sprintf("shop-%d", three), "as it was", good)

	// Nothing happens when it has lived: the agent knows when that is.
	w.letLive(time.Since(opened) + 5*time.Second)
	w.gone(three)
	w.letLive(72 * time.Hour)
	w.await(fmt.Sprintf("shop-%d", three), "back with a longer time", good)

	repo.Merge(three)
	w.gone(three)
	if held := w.set(t.Context()).Status.Held; held != nil {
		t.Errorf("the last one is held: %+v", held)
	}
}

func shop(step string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\ndata: {step: " + step + "}\n"
}

func (w *world) set(ctx context.Context) *v1alpha1.ApplicationSet {
	w.t.Helper()
	var set v1alpha1.ApplicationSet
	w.must(w.client.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: "environments"}, &set))
	return &set
}

// letLive sets how long pull requests live.
func (w *world) letLive(ttl time.Duration) {
	w.t.Helper()
	w.edit(w.set(w.t.Context()), func(s *v1alpha1.ApplicationSet) {
		s.Spec.Generators[0].PullRequest.TTL = &metav1.Duration{Duration: ttl}
	})
}

// holds waits until a pull request's namespace has what its branch says.
func (w *world) holds(number int64, step string) {
	w.t.Helper()
	w.until("the objects say "+step, func(ctx context.Context) bool {
		var cm corev1.ConfigMap
		err := w.client.Get(ctx, client.ObjectKey{Namespace: fmt.Sprintf("%s-pr-%d", w.namespace, number), Name: "shop"}, &cm)
		return err == nil && cm.Data["step"] == step
	})
}

// gone waits until neither the application of a pull request nor its objects
// are there.
func (w *world) gone(number int64) {
	w.t.Helper()
	w.until(fmt.Sprintf("the application of pull request %d is gone", number), func(ctx context.Context) bool {
		err := w.client.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: fmt.Sprintf("shop-%d", number)}, &v1alpha1.Application{})
		return apierrors.IsNotFound(err)
	})
	var cm corev1.ConfigMap
	err := w.client.Get(w.t.Context(), client.ObjectKey{Namespace: fmt.Sprintf("%s-pr-%d", w.namespace, number), Name: "shop"}, &cm)
	if !apierrors.IsNotFound(err) {
		w.t.Errorf("the objects of pull request %d are still there: %v", number, err)
	}
}
