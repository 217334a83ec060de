package agent_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm"
)

// TestForgeObjects reads beside the set, whatever the namespace, and tells
// what is not there from what may not be read.
func TestForgeObjects(t *testing.T) {
	t.Parallel()
	at := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "team", Name: name, Labels: map[string]string{scm.TokenLabel: scm.TokenLabelValue}}
	}
	reader := fake.NewClientBuilder().WithObjects(
		&corev1.Secret{ObjectMeta: at("token"), Data: map[string][]byte{"token": []byte("t")}},
		&corev1.ConfigMap{ObjectMeta: at("ca"), Data: map[string]string{"ca": "c"}},
	).WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, into client.Object, o ...client.GetOption) error {
			if key.Namespace == "closed" {
				return apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, key.Name, nil)
			}
			return c.Get(ctx, key, into, o...)
		},
	}).Build()
	objects := agent.ForgeObjects(reader)
	secret, err := objects.Secret(t.Context(), "team", "token")
	want := scm.Secret{Labels: map[string]string{scm.TokenLabel: scm.TokenLabelValue}, Data: map[string][]byte{"token": []byte("t")}}
	if diff := cmp.Diff(want, secret); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	m, err := objects.ConfigMap(t.Context(), "team", "ca")
	if diff := cmp.Diff(map[string]string{"ca": "c"}, m); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for namespace, kind := range map[string]fault.Kind{"team": fault.Missing, "closed": fault.Denied} {
		if _, err := objects.Secret(t.Context(), namespace, "none"); fault.Of(err) != kind {
			t.Errorf("secret in %s: %v of kind %s", namespace, err, fault.Of(err))
		}
		if _, err := objects.ConfigMap(t.Context(), namespace, "none"); fault.Of(err) != kind {
			t.Errorf("config map in %s: %v of kind %s", namespace, err, fault.Of(err))
		}
	}
}
