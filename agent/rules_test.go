package agent_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/ignore"
)

func ruleMap(name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "trueup", Name: name}, Data: data}
}

// TestRulesOfConfigMaps: ours and Argo CD's are read, what is malformed is
// told with its place, and they are read anew only when they change.
func TestRulesOfConfigMaps(t *testing.T) {
	t.Parallel()
	ours := ruleMap("trueup-drift-rules", map[string]string{"ignoreDifferences": "- {kind: Service, paths: [spec.x]}"})
	argo := ruleMap("argocd-cm", map[string]string{
		"url": "https://argocd.example.com", "resource.customizations.ignoreDifferences.apps_Deployment": "jsonPointers: [/spec/replicas, spec]",
	})
	store := fake.NewClientBuilder().WithObjects(ours, argo, ruleMap("other", map[string]string{"ignoreDifferences": "- {kind: Job, paths: [spec]}"})).Build()
	rules := &agent.Rules{Reader: store, Namespace: "trueup"}
	read := func() (*ignore.Set, []ignore.Problem) {
		t.Helper()
		set, problems, err := rules.Rules(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return set, problems
	}
	set, problems := read()
	if diff := cmp.Diff([]string{"global/ignoreDifferences[0]", "global/apps_Deployment"}, set.Names()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(problems) != 1 || !strings.Contains(problems[0].String(), "config map trueup/argocd-cm resource.customizations.ignoreDifferences.apps_Deployment.jsonPointers[1]") {
		t.Errorf("problems %v", problems)
	}
	if again, _ := read(); again != set {
		t.Error("the same rules were compiled again")
	}
	argo.Data = nil
	if err := store.Update(t.Context(), argo); err != nil {
		t.Fatal(err)
	}
	if changed, problems := read(); len(changed.Names()) != 1 || len(problems) != 0 {
		t.Errorf("after the change: %v, %v", changed.Names(), problems)
	}
}

const scaled = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.com/web:1"}]}
`

// TestRespectIgnoreDifferences: on a real API server, what a rule explains
// starts no sync, and a sync for another reason leaves it to whoever wrote it:
// value and ownership. A rule for all applications counts at once.
func TestRespectIgnoreDifferences(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.write("scaled/web.yaml", scaled)
	w.commit("Add scaled")
	w.app("scaled", "scaled", func(a *v1alpha1.Application) {
		a.Spec.SyncPolicy.SyncOptions = append(a.Spec.SyncPolicy.SyncOptions, "RespectIgnoreDifferences=true")
		a.Spec.IgnoreDifferences = []v1alpha1.ResourceIgnoreDifferences{{Group: "apps", Kind: "Deployment", JSONPointers: []string{"/spec/replicas"}}}
	})
	w.await("scaled", "synced and healthy", good)
	web := &appsv1.Deployment{}
	at := client.ObjectKey{Namespace: w.namespace + "-scaled", Name: "web"}
	w.must(w.client.Get(t.Context(), at, web))
	web.Spec.Replicas = new(int32(3))
	w.must(w.client.Update(t.Context(), web, client.FieldOwner("my-scaler")))
	explained := func(fields int) func(*v1alpha1.Application) bool {
		return func(a *v1alpha1.Application) bool {
			return good(a) && slices.ContainsFunc(a.Status.Drift.Rules, func(r v1alpha1.IgnoreRuleStatus) bool {
				return r.Name == "ignoreDifferences[0]" && r.Fields == fields
			})
		}
	}
	w.await("scaled", "explained", explained(1))

	w.write("scaled/web.yaml", strings.ReplaceAll(scaled, "web:1", "web:2"))
	w.commit("Use the next image")
	w.until("the image is there", func(ctx context.Context) bool {
		return w.client.Get(ctx, at, web) == nil && web.Spec.Template.Spec.Containers[0].Image == "example.com/web:2"
	})
	w.await("scaled", "explained after the sync", explained(1))
	w.must(w.client.Get(t.Context(), at, web))
	if *web.Spec.Replicas != 3 {
		t.Errorf("replicas are %d, want those of the scaler", *web.Spec.Replicas)
	}
	for _, e := range web.ManagedFields {
		if owns := strings.Contains(string(e.FieldsV1.GetRawBytes()), "f:replicas"); e.Subresource == "" && owns != (e.Manager == "my-scaler") {
			t.Errorf("%s (%s) owns replicas: %v", e.Manager, e.Operation, owns)
		}
	}

	// A hand edit of something else is drift, until a rule for all explains it.
	paused := func(a *v1alpha1.Application) { a.Spec.SyncPolicy.Automated = nil }
	app := w.await("scaled", "there", good)
	next := app.DeepCopy()
	paused(next)
	w.must(w.client.Patch(t.Context(), next, client.MergeFrom(app)))
	w.must(w.client.Get(t.Context(), at, web))
	web.Spec.Template.Spec.Containers[0].Image = "example.com/debug:1"
	w.must(w.client.Update(t.Context(), web))
	w.await("scaled", "out of sync", func(a *v1alpha1.Application) bool { return a.Status.Sync.Status == v1alpha1.SyncStatusCodeOutOfSync })
	rules := ruleMap("trueup-drift-rules", map[string]string{"resource.customizations.ignoreDifferences.apps_Deployment": "managedFieldsManagers: [kubectl-edit]"})
	rules.Namespace = w.namespace
	w.must(w.client.Create(t.Context(), rules))
	w.await("scaled", "in sync by the rule", func(a *v1alpha1.Application) bool { return a.Status.Sync.Status == v1alpha1.SyncStatusCodeSynced })
}
