package reconcile

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/object"
)

func accepting(app *v1alpha1.Application, until time.Time) *v1alpha1.Application {
	app.Spec.Drift = &v1alpha1.DriftPolicy{Accept: []v1alpha1.DriftAcceptance{
		{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web", Path: "spec.replicas", Until: metav1.NewTime(until), Reason: "load test"},
	}}
	return app
}

// TestAcceptedDriftIsLeftAloneUntilItsDate goes through the life of an
// acceptance: self-heal leaves the field alone, so does a sync for another
// reason, and after its date the field is corrected and everybody is told.
func TestAcceptedDriftIsLeftAloneUntilItsDate(t *testing.T) {
	t.Parallel()
	flow, c := newFlow(t, scaledWeb)
	now := flow.Now()
	flow.Now = func() time.Time { return now }
	app := accepting(automated(application(nil)), now.Add(time.Hour))
	mem := &Memory{}
	app.Status = flow.Run(t.Context(), app, mem).Status
	edit(c, web(), "kubectl", ownsReplicas, int64(7), "spec", "replicas")
	mem.Recheck()
	writes := c.writes

	out := flow.Run(t.Context(), app, mem)
	app.Status = out.Status
	if c.writes != writes || out.Status.Sync.Status != v1alpha1.SyncStatusCodeSynced || out.Status.Drift.Fields != 0 {
		t.Fatalf("%d writes, %s, %+v", c.writes-writes, out.Status.Sync.Status, out.Status.Drift)
	}
	if rules := out.Status.Drift.Rules; len(rules) != 1 || rules[0].Fields != 1 || !strings.HasPrefix(rules[0].Name, "accepted until ") || !strings.HasSuffix(rules[0].Name, ": load test") {
		t.Errorf("rules: %+v", rules)
	}
	if out.After != time.Hour {
		t.Errorf("looks again after %s", out.After)
	}
	if got := replicasApplied(c, flow, app, mem, t); got != 0 {
		t.Errorf("a sync of another field sends %d replicas", got)
	}

	// What is applied here takes the place of all, so that the hand edit is
	// made once more.
	edit(c, web(), "kubectl", ownsReplicas, int64(7), "spec", "replicas")
	mem.Recheck()
	now = now.Add(time.Hour)
	out = flow.Run(t.Context(), app, mem)
	if got := condition(out.Status, DriftAcceptanceExpired); !strings.HasPrefix(got, "Deployment shop/web spec.replicas was accepted until ") {
		t.Errorf("condition: %q", got)
	}
	if got := replicas(c); got != 2 {
		t.Errorf("%d replicas after the date", got)
	}
}

// replicasApplied has another field corrected, and returns the replicas that
// were sent with it; 0 where none were.
func replicasApplied(c *memoryCluster, flow *Flow, app *v1alpha1.Application, mem *Memory, t *testing.T) int64 {
	t.Helper()
	template := map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "web", "image": "web:debug"}}}}
	edit(c, web(), "kubectl", `{"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{"f:image":{}}}}}}}`, template, "spec", "template")
	mem.Recheck()
	before := c.writes
	app.Status = flow.Run(t.Context(), app, mem).Status
	if c.writes == before {
		t.Fatal("the other field was not corrected")
	}
	return replicas(c)
}

func replicas(c *memoryCluster) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	spec, _ := c.stored[web()].Object["spec"].(map[string]any)
	switch n := spec["replicas"].(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}

// TestAcceptancesThatSayTooMuch holds that none explains more than one object.
func TestAcceptancesThatSayTooMuch(t *testing.T) {
	t.Parallel()
	whole := v1alpha1.DriftAcceptance{Kind: "ConfigMap", Namespace: "shop", Name: "c", Path: "data.a"}
	for name, change := range map[string]func(*v1alpha1.DriftAcceptance){
		"any kind":     func(a *v1alpha1.DriftAcceptance) { a.Kind = "*" },
		"any group":    func(a *v1alpha1.DriftAcceptance) { a.Group = "*.example.com" },
		"alternatives": func(a *v1alpha1.DriftAcceptance) { a.Kind = "{Role,Secret}" },
		"no name":      func(a *v1alpha1.DriftAcceptance) { a.Name = "" },
		"no path":      func(a *v1alpha1.DriftAcceptance) { a.Path = "" },
	} {
		a := whole
		change(&a)
		if book := compile(nil, []v1alpha1.DriftAcceptance{a, whole}); len(book.problems) != 1 || book.problems[0].At != "spec.drift.accept[0]" || len(book.set.Names()) != 1 {
			t.Errorf("%s: %v, rules %v", name, book.problems, book.set.Names())
		}
	}
	if book := compile(nil, []v1alpha1.DriftAcceptance{whole}); book.set.For(object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "d"}) != nil {
		t.Error("another object is selected")
	}
}
