package agent_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/history"
	"github.com/trueup-dev/trueup/internal/object"
)

// TestKilledAtAnyPoint ends an agent at its first write, its second, and so
// on, after something drifted or was put back: from the moment of the request
// on, nothing that it sends arrives. Its successors lose no drift and tell
// none twice.
func TestKilledAtAnyPoint(t *testing.T) {
	t.Parallel()
	server := &tap{}
	w := start(t, func(o *agent.Options) { o.Config = server.on(o.Config) })
	w.near("killed", twoMaps)
	values := []string{"x", "1"} // drifts, and is put back
	for at := range 3 {
		for i, value := range values {
			w.stop()
			dying := server.dieAt(at)
			w.byHandHere("killed", "one", value)
			w.run()
			want := "opened"
			if i%2 == 1 {
				want = "closed"
			}
			// It dies while it writes, or has told everything before.
			w.until("the agent gets to its end", func(context.Context) bool {
				select {
				case <-dying:
					return true
				default:
					return at > 0 && w.lastMoment("killed") == want
				}
			})
			w.stop()
			server.setRefuse(nil)
			w.run()
			fields := 1
			if want == "closed" {
				fields = 0
			}
			w.await("killed", "told by its successor", func(a *v1alpha1.Application) bool {
				return a.Status.Drift != nil && a.Status.Drift.Fields == fields && (fields == 0) == (a.Status.Sync.Status == v1alpha1.SyncStatusCodeSynced)
			})
			w.until("the timeline is told", func(context.Context) bool { return w.lastMoment("killed") == want })
		}
	}
	drifts, err := w.history.Drifts(t.Context(), history.Query{App: w.namespace + "/killed"})
	w.must(err)
	slices.Reverse(drifts)
	for i, d := range drifts {
		want := []string{"opened", "closed"}[i%2]
		if d.Moment != want || d.Path != "data.a" {
			t.Errorf("moment %d of the timeline is %s %s, want %s data.a", i, d.Moment, d.Path, want)
		}
	}
	if n := 3 * len(values); len(drifts) != n {
		t.Errorf("the timeline has %d moments, want %d: %s", len(drifts), n, w.moments("killed"))
	}
}

// TestKilledWhileSyncing ends an agent at the first write, the second, and so
// on, of a sync that changes, creates and removes objects, until one gets
// through. Each successor brings the sync to its end: nothing that left Git is
// forgotten.
func TestKilledWhileSyncing(t *testing.T) {
	t.Parallel()
	server := &tap{}
	w := start(t, func(o *agent.Options) { o.Config = server.on(o.Config) })
	s := w.near("halfway", twoMaps)
	const most = 20
	for at := range most {
		w.stop()
		dying := server.dieAt(at)
		value, name := fmt.Sprint("v", at), fmt.Sprint("extra-", at)
		w.write("halfway/all.yaml", fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: one}, data: {a: %s}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: %s}}\n", value, name))
		w.commit(fmt.Sprint("Change everything, the ", at, "th time"))
		commit := w.show("HEAD")
		w.run()
		synced := func(app *v1alpha1.Application) bool { return good(app) && app.Status.Sync.Revision == commit }
		died := false
		w.until("the agent dies or is done", func(ctx context.Context) bool {
			select {
			case <-dying:
				died = true
			default:
			}
			app := &v1alpha1.Application{}
			return died || w.client.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: "halfway"}, app) == nil && synced(app)
		})
		w.stop()
		server.setRefuse(nil)
		w.run()
		w.await("halfway", "synced by its successor", synced)
		var live corev1.ConfigMapList
		w.must(w.client.List(t.Context(), &live, client.InNamespace(s.ns), client.MatchingLabels{object.ManagedLabel: "true"}))
		got := map[string]string{}
		for _, m := range live.Items {
			got[m.Name] = m.Data["a"]
		}
		if diff := cmp.Diff(map[string]string{"one": value, name: ""}, got); diff != "" {
			t.Fatalf("after an end at write %d the cluster holds (-want +got):\n%s", at+1, diff)
		}
		if !died {
			if at < 3 {
				t.Errorf("a sync took %d writes: the test has ended no agent within one", at)
			}
			return
		}
	}
	t.Errorf("a sync of three objects is not done after %d writes", most)
}

// dieAt lets so many writes through, and refuses all from then on, as if their
// sender had ended; the first of those closes what it returns.
func (t *tap) dieAt(writes int) (dying <-chan struct{}) {
	died := make(chan struct{})
	var sent atomic.Int64
	t.setRefuse(func(req *http.Request) *http.Response {
		if req.Method == http.MethodGet || strings.Contains(req.URL.Path, "/leases") || strings.Contains(req.URL.Path, "/events") {
			return nil
		}
		switch n := int(sent.Add(1)); {
		case n <= writes:
			return nil
		case n == writes+1:
			close(died)
		}
		return refusal(req, http.StatusServiceUnavailable, "ServiceUnavailable")
	})
	return died
}

func (w *world) lastMoment(app string) string {
	all := strings.Split(w.moments(app), ", ")
	return strings.Fields(fmt.Sprint(all[len(all)-1], " none"))[0]
}
