package reconcile

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/internal/object"
)

const scaledWeb = `
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {replicas: 2, template: {spec: {containers: [{name: web, image: "web:1"}]}}}}
`

func put(t *testing.T, c *memoryCluster, manifests string) {
	t.Helper()
	all, err := drift.Parse(strings.NewReader(manifests), "test")
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range all {
		object.Track(u, "shop")
		u.SetUID(types.UID(object.KeyOf(u).String()))
		c.next(u)
		c.stored[object.KeyOf(u)] = u
	}
}

func automated(app *v1alpha1.Application, options ...string) *v1alpha1.Application {
	app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.SyncPolicyAutomated{SelfHeal: true}, SyncOptions: options}
	return app
}

func web() object.Key {
	return object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
}

// edit changes the live object behind the flow's back, as manager.
func edit(c *memoryCluster, key object.Key, manager, fields string, value any, path ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.stored[key].DeepCopy()
	_ = unstructured.SetNestedField(u.Object, value, path...)
	u.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: manager, Operation: "Update", FieldsV1: metav1.NewFieldsV1(fields)}})
	c.next(u)
	c.stored[key] = u
}

const ownsReplicas = `{"f:spec":{"f:replicas":{}}}`

func condition(status v1alpha1.ApplicationStatus, kind string) string {
	for _, c := range status.Conditions {
		if c.Type == kind {
			return c.Message
		}
	}
	return ""
}

// TestRulesKeepSelfHealAway: what a rule explains is in sync, and nothing is
// written because of it; the status tells what each rule did.
func TestRulesKeepSelfHealAway(t *testing.T) {
	t.Parallel()
	flow, c := newFlow(t, scaledWeb)
	app := automated(application(nil))
	app.Spec.IgnoreDifferences = []v1alpha1.ResourceIgnoreDifferences{
		{Group: "apps", Kind: "Deployment", JSONPointers: []string{"/spec/replicas"}},
		{Group: "batch", Kind: "Job", JSONPointers: []string{"/spec/suspend"}},
		{Kind: "ConfigMap", JSONPointers: []string{"data"}},
	}
	mem := &Memory{}
	app.Status = flow.Run(t.Context(), app, mem).Status
	writes := c.writes
	edit(c, web(), "scaler", ownsReplicas, int64(7), "spec", "replicas")
	mem.Recheck()
	out := flow.Run(t.Context(), app, mem)
	if c.writes != writes || out.Status.Sync.Status != v1alpha1.SyncStatusCodeSynced || out.Status.Drift.Fields != 0 {
		t.Errorf("%d writes, status %s, drift %+v", c.writes-writes, out.Status.Sync.Status, out.Status.Drift)
	}
	want := []v1alpha1.IgnoreRuleStatus{
		{Name: "ignoreDifferences[0]", Objects: 1, Places: 1, Fields: 1},
		{Name: "ignoreDifferences[1]", Message: "selects no object"},
		{Name: "ignoreDifferences[2]", Message: "selects no object"},
	}
	if diff := cmp.Diff(want, out.Status.Drift.Rules); diff != "" {
		t.Errorf("rules in the status (-want +got):\n%s", diff)
	}
	if got := condition(out.Status, IgnoreRuleError); !strings.Contains(got, "spec.ignoreDifferences[2].jsonPointers[0]") {
		t.Errorf("the malformed rule is not named: %q", got)
	}
	if got := condition(out.Status, "IgnoreRuleWarning"); !strings.Contains(got, "ignoreDifferences[1]: selects no object") {
		t.Errorf("the rule without effect is not told: %q", got)
	}

	// Without the rule, the very same live object is drift.
	app.Spec.IgnoreDifferences = nil
	if flow.Run(t.Context(), app, mem); c.writes == writes {
		t.Error("the verdict outlived the rule")
	}
}

// TestSyncAndRules: a sync for another reason applies what rules explain, as
// Argo CD does, unless the option leaves it to live.
func TestSyncAndRules(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options []string
		manager string
		want    any // replicas as applied
	}{
		"applied":                        {nil, "scaler", int64(2)},
		"left to whoever owns it":        {[]string{"RespectIgnoreDifferences=true"}, "scaler", nil},
		"sent as it is where we own it":  {[]string{"RespectIgnoreDifferences=true"}, "trueup", int64(7)},
		"the last of two options counts": {[]string{"RespectIgnoreDifferences=true", "RespectIgnoreDifferences=false"}, "scaler", int64(2)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flow, c := newFlow(t, scaledWeb)
			put(t, c, strings.ReplaceAll(scaledWeb, "web:1", "web:0"))
			u := c.stored[web()]
			_ = unstructured.SetNestedField(u.Object, int64(7), "spec", "replicas")
			operation := metav1.ManagedFieldsOperationUpdate
			if tc.manager == object.FieldManager {
				operation = metav1.ManagedFieldsOperationApply
			}
			u.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: tc.manager, Operation: operation, FieldsV1: metav1.NewFieldsV1(ownsReplicas)}})
			app := automated(application(nil), tc.options...)
			app.Spec.IgnoreDifferences = []v1alpha1.ResourceIgnoreDifferences{{Group: "apps", Kind: "Deployment", Paths: []string{"spec.replicas"}}}
			if out := flow.Run(t.Context(), app, &Memory{}); out.Err != nil || !out.Synced {
				t.Fatalf("no sync: %+v", out)
			}
			got, _, _ := unstructured.NestedFieldNoCopy(c.stored[web()].Object, "spec", "replicas")
			if got != tc.want {
				t.Errorf("applied replicas %v, want %v", got, tc.want)
			}
			containers, _, _ := unstructured.NestedSlice(c.stored[web()].Object, "spec", "template", "spec", "containers")
			if containers[0].(map[string]any)["image"] != "web:1" {
				t.Errorf("the image was not applied: %v", containers)
			}
		})
	}
}

const scaler = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec: {minReplicas: 2, maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
`

// TestAutoscalersOfOthers: an autoscaler that is not in Git explains replicas
// too, and is looked for only when there is something to explain.
func TestAutoscalersOfOthers(t *testing.T) {
	t.Parallel()
	flow, c := newFlow(t, scaledWeb)
	put(t, c, scaledWeb+"---"+scaler)
	edit(c, web(), "kube-controller-manager", ownsReplicas, int64(7), "spec", "replicas")
	app := automated(application(nil))
	out := flow.Run(t.Context(), app, &Memory{})
	if c.writes != 0 || out.Status.Sync.Status != v1alpha1.SyncStatusCodeSynced {
		t.Errorf("%d writes, status %s: %+v", c.writes, out.Status.Sync.Status, out.Status.Drift)
	}
	delete(c.stored, object.Key{Group: "autoscaling", Kind: "HorizontalPodAutoscaler", Namespace: "shop", Name: "web"})
	if out := flow.Run(t.Context(), app, &Memory{}); c.writes != 1 {
		t.Errorf("without the autoscaler, %d writes: %+v", c.writes, out.Status.Drift)
	}
}

// TestReplicasOfNobody: an autoscaler of the application explains replicas without
// an owner where its status says that it scaled to them, and not what it was
// asked of before that.
func TestReplicasOfNobody(t *testing.T) {
	t.Parallel()
	flow, c := newFlow(t, scaledWeb+"---"+scaler)
	app, mem := application(nil), &Memory{}
	put(t, c, scaledWeb+"---"+scaler)
	edit(c, web(), "kubectl-patch", "{}", int64(7), "spec", "replicas")
	if out := flow.Run(t.Context(), app, mem); out.Status.Sync.Status != v1alpha1.SyncStatusCodeOutOfSync {
		t.Errorf("beside an autoscaler that never scaled it is %s", out.Status.Sync.Status)
	}
	key := object.Key{Group: "autoscaling", Kind: "HorizontalPodAutoscaler", Namespace: "shop", Name: "web"}
	edit(c, key, "kube-controller-manager", "{}", map[string]any{"desiredReplicas": int64(7), "lastScaleTime": "2026-01-02T03:04:00Z"}, "status")
	mem.Recheck()
	if out := flow.Run(t.Context(), app, mem); out.Status.Sync.Status != v1alpha1.SyncStatusCodeSynced {
		t.Errorf("beside one that scaled it is %s", out.Status.Sync.Status)
	}
	edit(c, web(), "kubectl-patch", "{}", int64(7), "spec", "replicas")
	mem.Notice(Sighting{Key: web(), Version: "99", Mark: drift.Fingerprint(nil, "another")}) // the workload alone is read again
	if out := flow.Run(t.Context(), app, mem); out.Status.Sync.Status != v1alpha1.SyncStatusCodeSynced {
		t.Errorf("beside one that is remembered it is %s", out.Status.Sync.Status)
	}
}

// TestAutoscalerThatChanges: a workload's verdict follows its autoscaler's
// range, though nothing happened to the workload itself.
func TestAutoscalerThatChanges(t *testing.T) {
	t.Parallel()
	flow, c := newFlow(t, scaledWeb+"---"+scaler)
	app := application(nil)
	mem := &Memory{}
	put(t, c, scaledWeb+"---"+scaler)
	edit(c, web(), "kube-controller-manager", ownsReplicas, int64(7), "spec", "replicas")
	key := object.Key{Group: "autoscaling", Kind: "HorizontalPodAutoscaler", Namespace: "shop", Name: "web"}
	if out := flow.Run(t.Context(), app, mem); out.Status.Drift.Fields != 0 {
		t.Fatalf("drift at the outset: %+v", out.Status.Drift.Changes)
	}
	edit(c, key, "kubectl-edit", `{"f:spec":{"f:maxReplicas":{}}}`, int64(5), "spec", "maxReplicas")
	mem.Notice(Sighting{Key: key, Version: "9", Mark: drift.Fingerprint(c.stored[key].GetManagedFields(), object.FieldManager)})
	var got []string
	for _, change := range flow.Run(t.Context(), app, mem).Status.Drift.Changes {
		got = append(got, change.Kind+" "+change.Path)
	}
	if diff := cmp.Diff([]string{"Deployment spec.replicas", "HorizontalPodAutoscaler spec.maxReplicas"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestAutoscalersOfOthersThatChange: nothing tells of what others own, so that
// it is asked for again while it matters, and only then.
func TestAutoscalersOfOthersThatChange(t *testing.T) {
	t.Parallel()
	flow, c := newFlow(t, scaledWeb)
	now := flow.Now()
	flow.Now = func() time.Time { return now }
	put(t, c, scaledWeb+"---"+scaler)
	app, mem := application(nil), &Memory{}
	if out := flow.Run(t.Context(), app, mem); out.After != 0 {
		t.Errorf("without anything to explain, the next look is after %s", out.After)
	}
	edit(c, web(), "kube-controller-manager", ownsReplicas, int64(7), "spec", "replicas")
	mem.Recheck()
	out := flow.Run(t.Context(), app, mem)
	if out.Status.Drift.Fields != 0 || out.After != scalersAge {
		t.Fatalf("%d fields, the next look after %s", out.Status.Drift.Fields, out.After)
	}
	key := object.Key{Group: "autoscaling", Kind: "HorizontalPodAutoscaler", Namespace: "shop", Name: "web"}
	edit(c, key, "kubectl-edit", `{"f:spec":{"f:maxReplicas":{}}}`, int64(5), "spec", "maxReplicas")
	now = now.Add(scalersAge / 2)
	if out = flow.Run(t.Context(), app, mem); out.Status.Drift.Fields != 0 {
		t.Errorf("asked before it was due: %+v", out.Status.Drift)
	}
	now = now.Add(scalersAge / 2)
	if out = flow.Run(t.Context(), app, mem); out.Status.Drift.Fields != 1 {
		t.Errorf("the changed range is not seen: %+v", out.Status.Drift)
	}
	edit(c, web(), "kube-controller-manager", ownsReplicas, int64(2), "spec", "replicas")
	now = now.Add(scalersAge)
	if out = flow.Run(t.Context(), app, mem); out.Status.Drift.Fields != 0 || out.After != 0 {
		t.Errorf("%d fields, the next look after %s", out.Status.Drift.Fields, out.After)
	}
}

// everywhere are rules of all applications.
type everywhere []ignore.Rule

func (e everywhere) Rules(context.Context) (*ignore.Set, []ignore.Problem, error) {
	set, problems := ignore.Compile(e...)
	return set, problems, nil
}

// TestRulesOfAllApplications: they count beside the application's own, and a
// change of theirs has everything judged anew.
func TestRulesOfAllApplications(t *testing.T) {
	t.Parallel()
	flow, c := newFlow(t, scaledWeb)
	put(t, c, strings.ReplaceAll(scaledWeb, "replicas: 2", "replicas: 3"))
	app, mem := application(nil), &Memory{}
	if out := flow.Run(t.Context(), app, mem); out.Status.Sync.Status != v1alpha1.SyncStatusCodeOutOfSync {
		t.Fatalf("status %s", out.Status.Sync.Status)
	}
	flow.Rules = everywhere{{Name: "global/all", Group: "*", Kind: "*", JSONPointers: []string{"/spec/replicas", "x"}}}
	out := flow.Run(t.Context(), app, mem)
	if out.Status.Sync.Status != v1alpha1.SyncStatusCodeSynced {
		t.Errorf("status %s: %+v", out.Status.Sync.Status, out.Status.Drift)
	}
	if got := condition(out.Status, IgnoreRuleError); !strings.Contains(got, "global/all.jsonPointers[1]") {
		t.Errorf("the malformed entry is not named: %q", got)
	}
}

// owning lists what is tracked, as a watch would.
type owning struct{ *memoryCluster }

func (o owning) Owned(_ context.Context, app string, _ []schema.GroupVersionKind) ([]Owned, error) {
	var out []Owned
	for key, u := range o.stored {
		if owner, ok := object.OwnerOf(u); ok && owner == app {
			out = append(out, Owned{Key: key, Version: u.GroupVersionKind().Version})
		}
	}
	return out, nil
}

// TestIgnoreExtraneous: what left Git counts against the sync status, unless
// the object asks not to.
func TestIgnoreExtraneous(t *testing.T) {
	t.Parallel()
	for annotation, want := range map[string]v1alpha1.SyncStatusCode{
		"example.com/x":                      v1alpha1.SyncStatusCodeOutOfSync,
		"argocd.argoproj.io/compare-options": v1alpha1.SyncStatusCodeSynced,
		"trueup.dev/compare-options":         v1alpha1.SyncStatusCodeSynced,
	} {
		flow, c := newFlow(t, scaledWeb)
		flow.Clusters.(source).cluster.Objects = owning{c}
		put(t, c, scaledWeb)
		put(t, c, `{apiVersion: v1, kind: ConfigMap, metadata: {name: old, namespace: shop, annotations: {`+annotation+`: "ServerSideDiff=true,IgnoreExtraneous"}}}`)
		out := flow.Run(t.Context(), application(nil), &Memory{})
		if out.Err != nil || out.Status.Sync.Status != want {
			t.Errorf("%s: %s, %v; want %s", annotation, out.Status.Sync.Status, out.Err, want)
		}
	}
}
