package agent_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/history"
)

// wire carries connections to an API server until it is cut.
type wire struct {
	t       *testing.T
	address string
	target  string

	mu       sync.Mutex
	listener net.Listener
	open     map[net.Conn]bool
	all      sync.WaitGroup
}

// newWire listens for connections to the server of a URL.
func newWire(t *testing.T, server string) *wire {
	t.Helper()
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, address: "127.0.0.1:0", target: at.Host, open: map[net.Conn]bool{}}
	w.mend()
	t.Cleanup(w.cut)
	return w
}

// mend lets connections through again, at the address of before.
func (w *wire) mend() {
	w.t.Helper()
	l, err := net.Listen("tcp", w.address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listener, w.address = l, l.Addr().String()
	w.all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.all.Go(func() { w.carry(c) })
		}
	})
}

func (w *wire) carry(c net.Conn) {
	defer c.Close() //nolint:errcheck // it may be cut
	server, err := net.Dial("tcp", w.target)
	if err != nil {
		return
	}
	defer server.Close() //nolint:errcheck // it may be cut
	w.mu.Lock()
	w.open[c], w.open[server] = true, true
	w.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(server, c); _ = server.Close() })
	both.Go(func() { _, _ = io.Copy(c, server); _ = c.Close() })
	both.Wait()
	w.mu.Lock()
	delete(w.open, c)
	delete(w.open, server)
	w.mu.Unlock()
}

// reset breaks the connections that there are; new ones get through.
func (w *wire) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.open {
		_ = c.Close()
	}
}

// cut refuses all connections from now on.
func (w *wire) cut() {
	w.mu.Lock()
	_ = w.listener.Close()
	w.mu.Unlock()
	w.reset()
	w.all.Wait()
}

// edgeOver has the agent reach the other cluster over a wire.
func (w *world) edgeOver() *wire {
	w.t.Helper()
	secret := &corev1.Secret{}
	w.must(w.client.Get(w.t.Context(), client.ObjectKey{Namespace: w.namespace, Name: "cluster-edge"}, secret))
	over := newWire(w.t, string(secret.Data["server"]))
	secret.Data["server"] = []byte("https://" + over.address)
	w.must(w.client.Update(w.t.Context(), secret))
	return over
}

// onEdge makes an application in the other cluster, which is not corrected.
func (w *world) onEdge(name, manifests string) {
	w.t.Helper()
	w.write(name+"/all.yaml", manifests)
	w.commit("Describe " + name)
	w.app(name, name, func(app *v1alpha1.Application) {
		app.Spec.Destination.Server, app.Spec.Destination.Name = "", "edge"
		app.Spec.SyncPolicy.Automated.SelfHeal = false
	})
	w.await(name, "synced and healthy", good)
}

// byHandThere sets a value of a config map in the other cluster by hand.
func (w *world) byHandThere(app, name, key, value string) {
	w.t.Helper()
	u := parse("{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, namespace: %s}}", name, w.namespace+"-"+app)
	w.must(w.edge.Patch(w.t.Context(), u, mergePatch(fmt.Sprintf(`{"data":{%q:%q}}`, key, value))))
}

func drifted(fields int) func(*v1alpha1.Application) bool {
	return func(app *v1alpha1.Application) bool {
		return app.Status.Drift != nil && app.Status.Drift.Fields == fields && app.Status.Sync.Status == v1alpha1.SyncStatusCodeOutOfSync
	}
}

// moments lists what the history holds of an application's drift, the oldest
// first.
func (w *world) moments(app string) string {
	w.t.Helper()
	drifts, err := w.history.Drifts(context.WithoutCancel(w.t.Context()), history.Query{App: w.namespace + "/" + app})
	w.must(err)
	var out []string
	for i := len(drifts) - 1; i >= 0; i-- {
		out = append(out, drifts[i].Moment+" "+drifts[i].Path)
	}
	return strings.Join(out, ", ")
}

const twoMaps = `{apiVersion: v1, kind: ConfigMap, metadata: {name: one}, data: {a: "1", b: "1"}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: two}, data: {a: "1"}}
`

// TestUnreachableCluster: while a cluster tells nothing, its application is
// Unknown and its drift as open as it was. When it is back everything is read
// again, and what happened meanwhile is told, without a restart.
func TestUnreachableCluster(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *agent.Options) { o.Unreachable = 2 * time.Second })
	over := w.edgeOver()
	w.onEdge("far", twoMaps)
	w.byHandThere("far", "one", "a", "by hand")
	w.await("far", "drifted", drifted(1))

	over.cut()
	app := w.await("far", "unknown", func(a *v1alpha1.Application) bool { return a.Status.Sync.Status == v1alpha1.SyncStatusCodeUnknown })
	c := apimeta.FindStatusCondition(app.Status.Conditions, "ComparisonError")
	if c == nil || c.Reason != "ClusterUnreachable" || !strings.Contains(c.Message, "cluster edge is unreachable since 20") {
		t.Errorf("the condition says %+v", c)
	}
	if d := app.Status.Drift; d == nil || d.Fields != 1 || len(d.Changes) != 1 {
		t.Errorf("what was open is lost: %+v", d)
	}
	if got := w.moments("far"); got != "opened data.a" {
		t.Errorf("the timeline reads %q", got)
	}
	if got := w.counted()["trueup_cluster_unreachable_seconds"]; got < 2 {
		t.Errorf("the metric says that the cluster is unreachable for %v s", got)
	}

	// Somebody goes on meanwhile, in the cluster and in Git.
	w.byHandThere("far", "one", "a", "1")
	w.byHandThere("far", "two", "a", "by hand")
	w.write("far/all.yaml", strings.Replace(twoMaps, `b: "1"`, `b: "2"`, 1))
	w.commit("Change another value")
	over.mend()
	mended := time.Now().Truncate(time.Second)
	one := &corev1.ConfigMap{}
	w.until("the commit arrives", func(ctx context.Context) bool {
		return w.edge.Get(ctx, client.ObjectKey{Namespace: w.namespace + "-far", Name: "one"}, one) == nil && one.Data["b"] == "2"
	})
	app = w.await("far", "in sync or drifted", func(a *v1alpha1.Application) bool { return a.Status.Sync.Status != v1alpha1.SyncStatusCodeUnknown })
	if app.Status.Drift.VerifiedAt == nil || app.Status.Drift.VerifiedAt.Time.Before(mended) {
		t.Errorf("it was verified at %v, before the cluster was back at %v", app.Status.Drift.VerifiedAt, mended)
	}
	w.until("the timeline is whole", func(context.Context) bool {
		return w.moments("far") == "opened data.a, closed data.a, opened data.a, closed data.a"
	})
	w.await("far", "synced and healthy", good)

	// It is watched again.
	w.byHandThere("far", "two", "a", "again")
	w.await("far", "drifted", drifted(1))
}

// TestOwnServerAway: an agent whose own API server is away for a while goes on
// when it is back, without a restart: what happened meanwhile is told, and
// nothing that was open is lost.
func TestOwnServerAway(t *testing.T) {
	t.Parallel()
	var over *wire
	w := start(t, func(o *agent.Options) {
		over = newWire(t, o.Config.Host)
		o.Config = rest.CopyConfig(o.Config)
		o.Config.Host = "https://" + over.address
		o.Unreachable = time.Second
	})
	w.near("home", twoMaps)
	w.byHandHere("home", "one", "x")
	w.await("home", "drifted", drifted(1))
	over.cut()
	w.until("the agent notices", func(context.Context) bool { return w.counted()["trueup_cluster_unreachable_seconds"] > 1 })
	w.byHandHere("home", "one", "1")
	w.byHandHere("home", "two", "x")
	over.mend()
	w.until("the timeline is whole", func(context.Context) bool {
		return slices.Contains([]string{"opened data.a, closed data.a, opened data.a", "opened data.a, opened data.a, closed data.a"}, w.moments("home"))
	})
	w.await("home", "drifted in two alone", func(a *v1alpha1.Application) bool { // the status follows the timeline
		return drifted(1)(a) && len(a.Status.Drift.Changes) == 1 && a.Status.Drift.Changes[0].Name == "two" && a.Status.Drift.Changes[0].Path == "data.a"
	})
	w.byHandHere("home", "two", "1")
	w.await("home", "synced and healthy", good)
}
