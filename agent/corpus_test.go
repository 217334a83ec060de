package agent_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	runtimeschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/agent/controller"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/reconcile"
)

const corpus = "../drift/testdata/corpus"

// uncovered are the kinds that the server stores and the corpus does not hold.
func uncovered() map[runtimeschema.GroupKind]string {
	return map[runtimeschema.GroupKind]string{
		{Group: "certificates.k8s.io", Kind: "PodCertificateRequest"}: "the server takes them from kubelets only",
	}
}

// TestCorpus syncs what charts consist of, and an object of every kind that
// the server stores. Right after the sync, and when controllers have settled,
// nothing differs but what a rule explains, and nothing is told as drift.
func TestCorpus(t *testing.T) {
	t.Parallel()
	w := start(t)
	names, err := filepath.Glob(filepath.Join(corpus, "*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	archives := map[string]*txtar.Archive{}
	for _, file := range names {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		archive, err := txtar.ParseFile(file)
		w.must(err)
		archives[name] = archive
		w.write("corpus/"+name+"/all.yaml", string(archive.Files[0].Data))
	}
	w.commit("Bring the corpus")
	covered := map[runtimeschema.GroupKind]bool{}
	for name := range archives {
		w.app(name, "corpus/"+name, func(app *v1alpha1.Application) {
			app.Finalizers = []string{controller.OwnFinalizer}
			app.Spec.SyncPolicy.Automated.SelfHeal = false
		})
	}
	flow, done := w.flow()
	defer done()
	for name := range archives {
		app := w.await(name, "synced", func(app *v1alpha1.Application) bool { return app.Status.Sync.Status == v1alpha1.SyncStatusCodeSynced })
		w.explained(flow, app, "right after the sync")
	}
	for name, archive := range archives {
		app := w.await(name, "synced in the end", func(app *v1alpha1.Application) bool { return app.Status.Sync.Status == v1alpha1.SyncStatusCodeSynced })
		w.settled(app)
		report := w.explained(flow, app, "when controllers have settled")
		for _, o := range report.Objects {
			covered[o.Key().GroupKind()] = true
		}
		if golden.Updates() {
			archive.Files = []txtar.File{archive.Files[0], {Name: "live.json", Data: w.recorded(app)}}
			w.must(os.WriteFile(filepath.Join(corpus, name+".txtar"), txtar.Format(archive), 0o600))
		}
	}
	for name := range archives {
		w.await(name, "without drift", func(app *v1alpha1.Application) bool { return app.Status.Drift != nil && app.Status.Drift.Objects == 0 })
	}
	for gk := range w.served() {
		if _, known := uncovered()[gk]; !covered[gk] && !known {
			t.Errorf("the server stores %s, and the corpus has no such object", gk)
		}
	}
	var apps v1alpha1.ApplicationList
	w.must(w.client.DeleteAllOf(t.Context(), &v1alpha1.Application{}, client.InNamespace(w.namespace)))
	w.until("everything is gone", func(ctx context.Context) bool {
		return w.client.List(ctx, &apps, client.InNamespace(w.namespace)) == nil && len(apps.Items) == 0
	})
}

// flow compares as 'trueup diff' does.
func (w *world) flow() (flow *reconcile.Flow, done func()) {
	w.t.Helper()
	builtin, err := schema.Builtin()
	w.must(err)
	mirrors := git.New(git.Options{Dir: w.t.TempDir(), Files: true, Credentials: git.Public{}})
	destinations := &agent.Destinations{Local: w.config, Reader: w.client, Namespace: w.namespace, Builtin: builtin, See: func(string, reconcile.Sighting) {}}
	flow = &reconcile.Flow{
		Sources: agent.Sources{Git: mirrors}, Renderer: render.New(w.options.Engines, render.DefaultLimits()),
		Clusters: destinations, Now: time.Now, Namespace: w.namespace,
	}
	return flow, func() { destinations.Close(); mirrors.Close() }
}

// explained fails the test for each difference that no rule explains.
func (w *world) explained(flow *reconcile.Flow, app *v1alpha1.Application, when string) drift.Report {
	w.t.Helper()
	report, err := flow.Compare(w.t.Context(), app, "")
	w.must(err)
	for _, o := range report.Objects {
		if o.State != drift.InSync {
			w.t.Errorf("%s, %s of %s is %s %s", when, o.Key(), app.Name, o.State, o.Reason)
		}
		for _, f := range o.Fields {
			if f.Class != drift.Expected {
				w.t.Errorf("%s, %s of %s: %s is %s: %v, live %v by %q", when, o.Key(), app.Name, f.Path, f.Class, f.Desired, f.Live, f.Manager)
			}
		}
	}
	return report
}

// live reads what an application consists of, in its order; of these kinds,
// where there are any.
func (w *world) live(app *v1alpha1.Application, kinds ...string) []*unstructured.Unstructured {
	w.t.Helper()
	var out []*unstructured.Unstructured
	for _, r := range app.Status.Resources {
		if len(kinds) > 0 && !slices.Contains(kinds, r.Kind) {
			continue
		}
		u := &unstructured.Unstructured{}
		u.SetGroupVersionKind(runtimeschema.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind})
		w.must(w.client.Get(w.t.Context(), client.ObjectKey{Namespace: r.Namespace, Name: r.Name}, u))
		out = append(out, u)
	}
	return out
}

// settled waits until the controllers of an application's objects have seen
// their last version.
func (w *world) settled(app *v1alpha1.Application) {
	w.t.Helper()
	has := map[string]string{
		"Deployment": "observedGeneration", "StatefulSet": "observedGeneration", "DaemonSet": "observedGeneration", "ReplicaSet": "observedGeneration",
		"ReplicationController": "observedGeneration", "PodDisruptionBudget": "observedGeneration", "HorizontalPodAutoscaler": "conditions",
		"CustomResourceDefinition": "storedVersions", "ResourceQuota": "hard",
	}
	w.until("the controllers have settled on "+app.Name, func(context.Context) bool {
		for _, u := range w.live(app, slices.Collect(maps.Keys(has))...) {
			field := has[u.GetKind()]
			status, _, _ := unstructured.NestedFieldNoCopy(u.Object, "status", field)
			// The first version of autoscalers keeps its conditions elsewhere.
			if u.GetAPIVersion() != "autoscaling/v1" && (status == nil || field == "observedGeneration" && status != u.GetGeneration()) {
				return false
			}
		}
		return true
	})
}

// recorded is what the cluster holds of an application, an object on a line,
// without what no comparison reads.
func (w *world) recorded(app *v1alpha1.Application) []byte {
	w.t.Helper()
	var out bytes.Buffer
	for _, u := range w.live(app) {
		delete(u.Object, "status")
		for _, name := range []string{"uid", "resourceVersion", "generation", "creationTimestamp"} {
			unstructured.RemoveNestedField(u.Object, "metadata", name)
		}
		if u.GetKind() == "Secret" {
			data, _, _ := unstructured.NestedMap(u.Object, "data")
			if _, token := data["token"]; token {
				data["token"] = "dG9rZW4="
				w.must(unstructured.SetNestedMap(u.Object, data, "data"))
			}
		}
		entries := u.GetManagedFields()
		u.SetManagedFields(nil)
		for i := range entries {
			entries[i].Time = nil
		}
		u.SetManagedFields(slices.DeleteFunc(entries, func(e metav1.ManagedFieldsEntry) bool { return e.Subresource == "status" }))
		data, err := json.Marshal(u.Object)
		w.must(err)
		out.Write(bytes.ReplaceAll(data, []byte(w.namespace), []byte("corpus")))
		out.WriteByte('\n')
	}
	return out.Bytes()
}

// served lists the kinds that the server itself defines and stores.
func (w *world) served() map[runtimeschema.GroupKind]bool {
	w.t.Helper()
	builtin, err := schema.Builtin()
	w.must(err)
	d, err := discovery.NewDiscoveryClientForConfig(w.config)
	w.must(err)
	_, lists, err := d.ServerGroupsAndResources()
	if len(lists) == 0 {
		w.t.Fatal(err)
	}
	custom := map[string]bool{}
	var crds unstructured.UnstructuredList
	crds.SetGroupVersionKind(runtimeschema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinitionList"})
	w.must(w.client.List(w.t.Context(), &crds))
	for _, crd := range crds.Items {
		group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
		custom[group] = true
	}
	out := map[runtimeschema.GroupKind]bool{}
	for _, list := range lists {
		gv, err := runtimeschema.ParseGroupVersion(list.GroupVersion)
		w.must(err)
		for _, r := range list.APIResources {
			stored := slices.Contains(r.Verbs, "create") && slices.Contains(r.Verbs, "get")
			if gk := (runtimeschema.GroupKind{Group: gv.Group, Kind: r.Kind}); stored && !strings.Contains(r.Name, "/") && !custom[gv.Group] {
				out[gk] = true
				if !builtin.Native(gk) {
					w.t.Errorf("the built-in schema does not know %s, which the server stores", gk)
				}
			}
		}
	}
	w.t.Logf("the server stores %d kinds: %v", len(out), slices.SortedFunc(maps.Keys(out), func(a, b runtimeschema.GroupKind) int { return strings.Compare(a.String(), b.String()) }))
	return out
}
