package agent

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/reconcile"
)

func TestRequestsCountByVerb(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ method, url, want string }{
		{"GET", "/version", "discover"},
		{"GET", "/api", "discover"},
		{"GET", "/api/v1", "discover"},
		{"GET", "/apis/apps/v1", "discover"},
		{"GET", "/openapi/v3/apis/apps/v1", "discover"},
		{"GET", "/api/v1/nodes", "list"},
		{"GET", "/api/v1/namespaces", "list"},
		{"GET", "/api/v1/namespaces/shop", "get"},
		{"GET", "/api/v1/namespaces/shop/configmaps", "list"},
		{"GET", "/apis/apps/v1/namespaces/shop/deployments/web", "get"},
		{"GET", "/apis/apps/v1/namespaces/shop/deployments/web/scale", "get"},
		{"GET", "/apis/apps/v1/deployments?labelSelector=x&watch=true", "watch"},
		{"POST", "/api/v1/namespaces/shop/configmaps", "create"},
		{"PUT", "/api/v1/namespaces/shop/configmaps/a", "update"},
		{"PATCH", "/api/v1/namespaces/shop/configmaps/a?fieldManager=trueup", "patch"},
		{"DELETE", "/api/v1/namespaces/shop/configmaps/a", "delete"},
		{"OPTIONS", "/api/v1/namespaces/shop/configmaps/a", "other"},
	} {
		if got := verbOf(httptest.NewRequest(tc.method, tc.url, nil)); got != tc.want {
			t.Errorf("%s %s is %s, want %s", tc.method, tc.url, got, tc.want)
		}
	}
}

// TestClocksApart: a change that a cluster dates ahead of our clock, or long
// before, gives no negative times.
func TestClocksApart(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	times := newDriftTimes()
	for _, skew := range []time.Duration{time.Hour, -100 * 365 * 24 * time.Hour} {
		at := now.Add(skew)
		times.observe(reconcile.DriftEvent{Moment: reconcile.Opened, At: now, Field: &drift.Field{Time: &at}})
		times.observe(reconcile.DriftEvent{Moment: reconcile.Closed, At: now, FoundAt: at, How: reconcile.HowUndone})
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(times.detect, times.correct)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	const century = 100 * 365 * 24 * 3600
	for _, family := range families {
		for _, m := range family.Metric {
			if h := m.GetHistogram(); h.GetSampleCount() != 2 || h.GetSampleSum() != century {
				t.Errorf("%s counts %d times of %v s together", family.GetName(), h.GetSampleCount(), h.GetSampleSum())
			}
		}
	}
}

// TestVerifiedAges: the application that waits longest speaks for its cluster
// and project; one that was never verified counts from its creation.
func TestVerifiedAges(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	app := func(cluster, project string, created, verified time.Duration) v1alpha1.Application {
		var a v1alpha1.Application
		a.CreationTimestamp = metav1.NewTime(now.Add(-created))
		a.Spec.Project, a.Spec.Destination.Name = project, cluster
		if verified != 0 {
			at := metav1.NewTime(now.Add(-verified))
			a.Status.Drift = &v1alpha1.DriftSummary{VerifiedAt: &at}
		}
		return a
	}
	local := app("", "", time.Hour, time.Second)
	local.Spec.Destination.Server = "https://kubernetes.default.svc"
	got := agesOf([]v1alpha1.Application{
		app("eu-1", "shop", time.Hour, time.Minute), app("eu-1", "shop", time.Hour, 2*time.Minute), app("eu-1", "blog", time.Hour, 0),
		app("eu-2", "shop", time.Hour, -time.Minute), local,
	}, now)
	want := map[clusterProject]time.Duration{
		{"eu-1", "shop"}: 2 * time.Minute, {"eu-1", "blog"}: time.Hour, {"eu-2", "shop"}: 0, {"in-cluster", "default"}: time.Second,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(clusterProject{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
