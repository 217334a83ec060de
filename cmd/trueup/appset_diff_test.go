package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/lifecycle"
	"github.com/trueup-dev/trueup/internal/kube"
)

// onePull is a forge that lists the pull request 2, and knows whether 1 is
// closed.
type onePull struct {
	appset.Forges
	closed bool
}

func (onePull) PullRequests(context.Context, string, *v1alpha1.PullRequestGenerator) ([]appset.PullRequest, error) {
	return []appset.PullRequest{{Number: 2}}, nil
}

func (o onePull) Gone(context.Context, string, *v1alpha1.PullRequestGenerator, int64) (bool, error) {
	return o.closed, nil
}

func (onePull) Clusters(context.Context) ([]appset.Cluster, error) { return nil, nil }

// TestAppSetDiffOfPullRequests: as the agent does, a diff asks the forge about
// the pull requests that the stored status knows.
func TestAppSetDiffOfPullRequests(t *testing.T) {
	t.Parallel()
	set := &v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "trueup"}}
	set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{{PullRequest: &v1alpha1.PullRequestGenerator{Github: &v1alpha1.PullRequestGeneratorGithub{Owner: "shop", Repo: "web"}}}}
	set.Spec.SyncPolicy = &v1alpha1.ApplicationSetSyncPolicy{DeletionBudget: &v1alpha1.DeletionBudget{Count: new(int32(0))}}
	set.Spec.Template.Name = "web-{{number}}"
	set.Spec.Template.Spec.Destination.Name = appset.LocalName
	edited := set.DeepCopy()
	edited.Spec.Template.Labels = map[string]string{"tier": "preview"}

	stored := set.DeepCopy()
	stored.UID, stored.Generation = "uid-of-shop", 3
	stored.Status.Generators = []v1alpha1.GeneratorStatus{{
		Path: "generators[0].pullRequest", ParameterSets: 2, PullRequests: []v1alpha1.RepositoryPullRequests{{Repository: "https://api.github.com shop/web", Numbers: []int64{1, 2}}},
	}}
	stored.Status.Conditions = []metav1.Condition{{Type: lifecycle.ResourcesUpToDate, Status: metav1.ConditionTrue, ObservedGeneration: 3}}
	scheme, err := kube.NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	store := fake.NewClientBuilder().WithScheme(scheme).WithObjects(stored)
	for _, name := range []string{"web-1", "web-2"} {
		app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "trueup"}}
		app.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(stored, v1alpha1.GroupVersion().WithKind("ApplicationSet"))}
		app.Spec.Project, app.Spec.Destination.Name = "default", appset.LocalName
		app.Finalizers = []string{appset.Finalizer}
		store = store.WithObjects(app)
	}
	k := store.Build()
	for name, tc := range map[string]struct {
		set    *v1alpha1.ApplicationSet
		closed bool
		want   []string
		fails  string
	}{
		"it is closed, and the document is the same": {set: set, closed: true, want: []string{"delete web-1"}},
		"it is closed, and the document is another":  {set: edited, closed: true, want: []string{"update web-2", "hold web-1"}},
		"it is open": {set: set, fails: "it lacks 1, which is open"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forge := onePull{closed: tc.closed}
			got, err := diffSet(t.Context(), tc.set, appset.World{Forges: forge, States: forge}, clusterSide{k, "trueup", forge})
			if tc.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tc.fails) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, c := range got.Changes {
				all = append(all, c.Action+" "+c.Application)
			}
			slices.Sort(all)
			slices.Sort(tc.want)
			if diff := cmp.Diff(tc.want, all); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestAppSetDiffOfAnExport: in a file that a cluster gave, applications without
// an owner are nobody's. Warnings of generators are told.
func TestAppSetDiffOfAnExport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	set := write("set.yaml", `apiVersion: trueup.dev/v1alpha1
kind: ApplicationSet
metadata: {name: shop, namespace: trueup}
spec:
  generators:
  - matrix:
      generators:
      - list: {elements: [{env: a}]}
      - list: {elements: [{x: z}], template: {metadata: {name: unused}, spec: {destination: {}}}}
  template:
    metadata: {name: "web-{{env}}"}
    spec: {project: default, source: {repoURL: https://git.example.com/config.git, path: web}, destination: {name: in-cluster}}
`)
	app := func(name, owner string) string {
		out := "---\napiVersion: trueup.dev/v1alpha1\nkind: Application\nmetadata:\n  name: " + name + "\n  namespace: trueup\n  finalizers: [resources-finalizer.argocd.argoproj.io]\n"
		if owner != "" {
			out += "  ownerReferences: [{apiVersion: trueup.dev/v1alpha1, kind: ApplicationSet, name: " + owner + ", uid: u, controller: true}]\n"
		}
		return out + "spec: {project: default, source: {repoURL: https://git.example.com/config.git, path: web}, destination: {name: in-cluster}}\n"
	}
	export := write("export.yaml", app("web-a", "shop")+app("web-b", "shop")+app("root", "")+app("other", "another"))
	code, stdout, stderr := call(t, "appset", "diff", set, "--against", export, "-o", "name")
	if code != exitDrift || strings.Contains(stdout, "root") || strings.Contains(stdout, "other") || !strings.Contains(stdout, "web-b") {
		t.Errorf("exit code %d:\n%s%s", code, stdout, stderr)
	}
	if !strings.Contains(stderr, "set.yaml:9: generators[0].matrix.generators[1].list: its template has no effect") {
		t.Errorf("standard error reads %q", stderr)
	}
}
