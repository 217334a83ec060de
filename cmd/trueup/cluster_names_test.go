package main

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/kube"
)

func TestNameClusters(t *testing.T) {
	t.Parallel()
	secret := func(name string, data map[string]string) client.Object {
		s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "trueup", Name: name, Labels: map[string]string{kube.SecretTypeLabel: kube.SecretCluster}}, Data: map[string][]byte{}}
		for key, value := range data {
			s.Data[key] = []byte(value)
		}
		return s
	}
	have := []client.Object{
		secret("a", map[string]string{"name": "eu-1", "server": "https://eu-1.example.com"}),
		secret("b", map[string]string{"server": "https://unnamed.example.com"}),
	}
	store := fake.NewClientBuilder().WithObjects(have...).Build()
	refusing := interceptor.NewClient(store, interceptor.Funcs{List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
		return errors.New("forbidden")
	}})
	for _, tc := range []struct {
		reason string
		to     v1alpha1.ApplicationDestination
		want   string
		unread string // for who may not list secrets
	}{
		{"a registered server", v1alpha1.ApplicationDestination{Server: "https://eu-1.example.com"}, "eu-1", "https://eu-1.example.com"},
		{"one without a name", v1alpha1.ApplicationDestination{Server: "https://unnamed.example.com"}, "https://unnamed.example.com", "https://unnamed.example.com"},
		{"one that nobody registered", v1alpha1.ApplicationDestination{Server: "https://gone.example.com"}, "https://gone.example.com", "https://gone.example.com"},
		{"the agent's own", v1alpha1.ApplicationDestination{Server: "https://kubernetes.default.svc"}, "in-cluster", "in-cluster"},
		{"a name", v1alpha1.ApplicationDestination{Name: "eu-2"}, "eu-2", "eu-2"},
	} {
		for want, k := range map[string]client.Reader{tc.want: store, tc.unread: refusing} {
			if tc.want == tc.unread {
				k = store
			}
			apps := []v1alpha1.Application{{Spec: v1alpha1.ApplicationSpec{Destination: tc.to}}}
			nameClusters(t.Context(), k, "trueup", apps)
			if diff := cmp.Diff(want, destination(apps[0])); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		}
	}
}
