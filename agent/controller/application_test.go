package controller

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/reconcile"
)

// hurried notes which repositories are to be asked at once.
type hurried struct {
	nowhere
	urls *[]string
}

func (h hurried) Now(url string) bool {
	*h.urls = append(*h.urls, url)
	return true
}

// none knows no cluster.
type none struct{}

func (none) Cluster(context.Context, v1alpha1.ApplicationDestination) (*reconcile.Cluster, error) {
	return nil, fault.New(fault.Missing, "no cluster")
}

func TestRefreshAsksRepositories(t *testing.T) {
	t.Parallel()
	scheme, err := kube.NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		reason     string
		annotation map[string]string
		want       []string
	}{
		{"somebody wants it looked at anew", map[string]string{refresh: "normal"}, []string{"https://git.example.com/config"}},
		{"a look like any other", nil, nil},
	} {
		app := &v1alpha1.Application{
			ObjectMeta: metav1.ObjectMeta{Namespace: "trueup", Name: "shop", Annotations: tc.annotation},
			Spec:       v1alpha1.ApplicationSpec{Source: &v1alpha1.ApplicationSource{RepoURL: "https://git.example.com/config", Path: "shop"}},
		}
		store := fake.NewClientBuilder().WithScheme(scheme).WithObjects(app).WithStatusSubresource(app).Build()
		var asked []string
		a := &Applications{Client: store, Repositories: hurried{urls: &asked}, Flow: &reconcile.Flow{Clusters: none{}, Now: time.Now, Namespace: "trueup"}}
		if _, err := a.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(app)}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, asked); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}
