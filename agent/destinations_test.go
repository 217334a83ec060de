package agent

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/reconcile"
)

// TestConnectionsFollowTheSecrets: whoever has applications in a cluster is
// woken when another connection takes the place of one, or when nobody
// registers the cluster any more; then it is measured no longer.
func TestConnectionsFollowTheSecrets(t *testing.T) {
	t.Parallel()
	const edgeServer = "https://127.0.0.1:1"
	edge := func(server, token string) *corev1.Secret {
		return &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: "trueup", Name: "edge", Labels: map[string]string{kube.SecretTypeLabel: kube.SecretCluster}},
			Data:       map[string][]byte{"name": []byte("edge"), "server": []byte(server), "config": []byte(`{"bearerToken": "` + token + `"}`)},
		}
	}
	store := fake.NewClientBuilder().WithObjects(edge(edgeServer, "one")).Build()
	d := &Destinations{Local: &rest.Config{Host: edgeServer}, Reader: store, Namespace: "trueup", See: func(string, reconcile.Sighting) {}, Patience: time.Minute}
	defer d.Close()
	var woken []string
	var deaf error
	r := reachability{d, func(_ context.Context, name, server string) error {
		woken = append(woken, name+" "+server)
		return deaf
	}, logr.Discard()}
	known := map[string]reach{}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	connect := func(name string) *reconcile.Cluster {
		t.Helper()
		c, err := d.Cluster(t.Context(), v1alpha1.ApplicationDestination{Name: name})
		must(err)
		return c
	}
	look := func(reason string, want ...string) {
		t.Helper()
		woken = nil
		r.look(t.Context(), known)
		if diff := cmp.Diff(want, woken); diff != "" {
			t.Errorf("%s: woken are (-want +got):\n%s", reason, diff)
		}
	}
	measured := func(reason string, want ...string) {
		t.Helper()
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(unreachable{d})
		families, err := registry.Gather()
		must(err)
		var got []string
		for _, family := range families {
			for _, m := range family.Metric {
				got = append(got, m.Label[0].GetValue())
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: measured are (-want +got):\n%s", reason, diff)
		}
	}

	connect(appset.LocalName)
	first := connect("edge")
	look("the first connections")
	measured("both are connected to", "edge", appset.LocalName)
	if connect("edge") != first {
		t.Error("there is another connection, and nothing has changed")
	}

	labelled := edge(edgeServer, "one")
	labelled.Labels["tier"] = "prod"
	labelled.Data["project"] = []byte("shop")
	must(store.Update(t.Context(), labelled))
	if connect("edge") != first {
		t.Error("there is another connection, and only a label and the project are others")
	}

	must(store.Update(t.Context(), edge(edgeServer, "two")))
	if connect("edge") == first {
		t.Error("the connection with the old credentials stays")
	}
	look("other credentials", "edge "+edgeServer)
	look("nothing since")

	must(store.Delete(t.Context(), edge(edgeServer, "two")))
	deaf = errors.New("the cache is not there")
	look("nobody registers it", "edge "+edgeServer)
	deaf = nil
	look("nobody could be woken", "edge "+edgeServer)
	look("it is left")
	measured("one is left", appset.LocalName)
	if d.named("edge") != nil {
		t.Error("the connection to a cluster stays that nobody registers")
	}

	const moved = "https://127.0.0.1:2"
	must(store.Create(t.Context(), edge(edgeServer, "three")))
	connect("edge")
	look("it is registered again")
	must(store.Update(t.Context(), edge(moved, "three")))
	connect("edge")
	look("by the same name at another server", "edge "+edgeServer)
	measured("it has moved", "edge", appset.LocalName)
	if c := connect("edge"); c.Server != moved || len(d.connections()) != 2 {
		t.Errorf("edge is at %s, of %d connections, want %s of 2", c.Server, len(d.connections()), moved)
	}
}
