package agent_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent/controller"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/history"
)

// TestDeletedWithDrift: what was open when an application was deleted is
// closed, whether its objects go with it or stay, and also where the agent was
// started anew in between.
func TestDeletedWithDrift(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.write("noted/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: noted}\ndata: {a: b}\n")
	w.commit("Note something")
	for name, finalizers := range map[string][]string{"stays": nil, "goes": {controller.OwnFinalizer}} {
		w.app(name, "noted", func(app *v1alpha1.Application) {
			app.Finalizers = finalizers
			app.Spec.SyncPolicy.Automated.SelfHeal = false
		})
	}
	for _, name := range []string{"stays", "goes"} {
		w.await(name, "synced", good)
		cm := &corev1.ConfigMap{}
		w.must(w.client.Get(t.Context(), client.ObjectKey{Namespace: w.namespace + "-" + name, Name: "noted"}, cm))
		cm.Data["a"] = "edited"
		w.must(w.client.Update(t.Context(), cm))
		w.await(name, "drifted", func(app *v1alpha1.Application) bool { return app.Status.Drift.Fields == 1 })
	}
	w.restart()
	for _, name := range []string{"stays", "goes"} {
		w.until("the new agent looks at both", func(context.Context) bool { return w.count("trueup_renders_total") >= 2 })
		app := w.await(name, "still drifted", func(app *v1alpha1.Application) bool { return app.Status.Drift.Fields == 1 })
		w.must(w.client.Delete(t.Context(), app))
		w.until("the drift of "+name+" is closed", func(ctx context.Context) bool {
			drifts, err := w.history.Drifts(ctx, history.Query{App: w.namespace + "/" + name})
			w.must(err)
			return len(drifts) == 2 && drifts[0].Cleared && drifts[0].How == "deleted" && drifts[0].Path == "data.a"
		})
	}
}
