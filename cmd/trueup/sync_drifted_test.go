package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/revert"
	"github.com/trueup-dev/trueup/internal/object"
)

// driftedShop has a field changed, one added, an object deleted and a finalizer
// added.
func driftedShop() v1alpha1.Application {
	app := scaled("shop", "4", 1)
	by := v1alpha1.DriftChange{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web", Class: "undeclared", Manager: "kubectl-edit"}
	added, waits := by, by
	added.Path, added.Live = "spec.paused", &apiextensionsv1.JSON{Raw: []byte("true")}
	waits.Path, waits.Live = "metadata.finalizers[0]", &apiextensionsv1.JSON{Raw: []byte(`"a/b"`)}
	app.Status.Drift.Changes = append(app.Status.Drift.Changes, added, waits, v1alpha1.DriftChange{Kind: "ConfigMap", Namespace: "shop", Name: "c", Class: "declared"})
	app.Status.Drift.Fields, app.Status.Drift.Objects = 3, 2
	app.Status.Resources = []v1alpha1.ResourceStatus{{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}, {Kind: "ConfigMap", Namespace: "shop", Name: "c"}}
	return app
}

func TestWhatIsReverted(t *testing.T) {
	t.Parallel()
	const question = "Revert 2 differences? [y/N] "
	const replicas = "~ Deployment shop/web\n    spec.replicas: 4 → 2  kubectl 2026-03-01 11:00:00\n"
	const deleted = "+ ConfigMap shop/c  deleted from the cluster: created again\n"
	for name, tc := range map[string]struct {
		o      driftedOptions
		dryRun bool
		answer string
		goOn   bool
		code   int
		want   string
	}{
		"all, and yes": {driftedOptions{}, false, "y\n", true, 0,
			"to revert in shop\n" + replicas + deleted + "(left, because Git does not mention it: 2 fields; --undeclared removes what may be removed)\n" + question},
		"all, and no": {driftedOptions{}, false, "n\n", false, exitError,
			"to revert in shop\n" + replicas + deleted + "(left, because Git does not mention it: 2 fields; --undeclared removes what may be removed)\n" + question + "nothing is reverted\n"},
		"what was added as well": {driftedOptions{undeclared: true, yes: true}, false, "", true, 0,
			"to revert in shop\n" + replicas + "    spec.paused: true → removed  kubectl-edit\n" + deleted + "(left, because Git does not mention it: 1 field; --undeclared removes what may be removed)\n"},
		"one path":                {driftedOptions{paths: []string{"spec.replicas"}, yes: true}, false, "", true, 0, "to revert in shop\n" + replicas},
		"one object":              {driftedOptions{objects: []string{"configmap/c"}, yes: true}, false, "", true, 0, "to revert in shop\n" + deleted},
		"a dry run asks nobody":   {driftedOptions{objects: []string{"ConfigMap/c"}}, true, "", true, 0, "to revert in shop\n" + deleted},
		"nothing drifted there":   {driftedOptions{paths: []string{"spec.template"}}, false, "", false, 0, "nothing of shop has drifted that this would put back\n"},
		"only what must be asked": {driftedOptions{paths: []string{"spec.paused"}}, false, "", false, 0, "nothing of shop has drifted that this would put back\n(left, because Git does not mention it: 1 field; --undeclared removes what may be removed)\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, op := driftedShop(), v1alpha1.SyncOperation{}
			tc.o.only = true
			var said bytes.Buffer
			goOn, err := tc.o.fill(&op, &app, syncOptions{dryRun: tc.dryRun}, streams{in: strings.NewReader(tc.answer), err: &said})
			var code exitCode
			errors.As(err, &code)
			if goOn != tc.goOn || int(code) != tc.code || !op.Drifted {
				t.Errorf("goes on %v, %v", goOn, err)
			}
			if diff := cmp.Diff(tc.want, said.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !cmp.Equal(op.Paths, tc.o.paths) || op.Undeclared != tc.o.undeclared || len(op.Resources) != len(tc.o.objects) {
				t.Errorf("it asks for %+v", op)
			}
		})
	}
	app := driftedShop()
	if _, err := (&driftedOptions{objects: []string{"Service/none"}}).fill(&v1alpha1.SyncOperation{}, &app, syncOptions{}, streams{}); err == nil {
		t.Error("an object that is not there is taken")
	}
	app.Status.Drift.Fields, app.Status.Drift.Objects = 150, 2
	if all := reverts(&app, &v1alpha1.SyncOperation{Drifted: true}); all.unlisted != 147 {
		t.Errorf("%d are not listed", all.unlisted)
	}
}

func TestSyncRefusesWhatContradicts(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"--path spec", "--undeclared", "--drifted --revision main", "--drifted --prune", "--drifted --path="} {
		var out bytes.Buffer
		if code := run(context.Background(), append([]string{"sync", "shop"}, strings.Fields(args)...), streams{out: &out, err: &out}); code != exitUsage {
			t.Errorf("%s: exit %d, %s", args, code, out.String())
		}
	}
}

func TestResultsTellFields(t *testing.T) {
	t.Parallel()
	app := driftedShop()
	app.Status.OperationState = &v1alpha1.OperationState{Message: "1 applied, 1 refused", SyncResult: &v1alpha1.SyncOperationResult{Resources: []v1alpha1.ResourceResult{
		{Kind: "Deployment", Namespace: "shop", Name: "web", Status: "Synced", Fields: []v1alpha1.FieldResult{
			{Path: "spec.replicas", Status: "Reverted"}, {Path: "spec.paused", Status: "Refused", Message: "is immutable"},
		}},
	}}}
	var b strings.Builder
	if err := printResults(&b, "text", app.Status.OperationState); err != nil {
		t.Fatal(err)
	}
	want := "Synced       Deployment shop/web\n  Reverted     spec.replicas\n  Refused      spec.paused: is immutable\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := shortfall(&app); err == nil || err.Error() != "sync shop: 1 field not as Git says: 1 applied, 1 refused" {
		t.Errorf("error %v", err)
	}
	app.Status.OperationState.SyncResult.Resources[0].Fields = nil
	if err := shortfall(&app); err != nil {
		t.Error(err)
	}
}

func TestFightsAreTold(t *testing.T) {
	t.Parallel()
	app := scaled("shop", "4", 1)
	c := app.Status.Drift.Changes[0]
	key := object.Key{Group: c.Group, Kind: c.Kind, Namespace: c.Namespace, Name: c.Name}
	app.Status.Drift.Fights = []v1alpha1.DriftFight{{
		Group: c.Group, Kind: c.Kind, Namespace: c.Namespace, Name: c.Name, Path: c.Path, Desired: c.Desired, Live: c.Live, Manager: "scaler", Corrections: 3,
		Since: metav1.NewTime(noon), Until: metav1.NewTime(noon.Add(time.Hour)), Rule: revert.Propose(key, c.Path),
	}}
	var b strings.Builder
	if err := printDrifts(&b, "text", []v1alpha1.Application{app}, driftView{printing: printing{times: time.DateTime}, now: noon, details: true}); err != nil {
		t.Fatal(err)
	}
	const want = `~ Deployment shop/web  shop at git 4f2c1ab
    spec.replicas
      - 2  git
      + 4  live, kubectl, 2026-03-01 11:00:00

fight: Deployment shop/web spec.replicas: trueup sets 2, scaler sets 4; corrected 3 times, and left to scaler until 2026-03-01 13:00:00 UTC
  to expect it, add to spec:
    ignoreDifferences:
    - group: apps
      kind: Deployment
      name: web
      namespace: shop
      paths:
      - spec.replicas

0 without drift · 1 drifted · 0 not compared · 1 fight
next: trueup sync shop --drifted
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
