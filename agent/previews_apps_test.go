package agent

import (
	"context"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/agent/previews"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/preview/follow"
)

func fakeCluster(t *testing.T, objects ...client.Object) *fake.ClientBuilder {
	t.Helper()
	scheme, err := kube.NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...)
}

// madeBySet is an application of another repository that a set makes.
func madeBySet(t *testing.T, generators string) (*v1alpha1.ApplicationSet, *v1alpha1.Application) {
	t.Helper()
	set := &v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Namespace: "trueup", Name: "set", UID: "u"}}
	if err := yaml.UnmarshalStrict([]byte(generators), &set.Spec.Generators); err != nil {
		t.Fatal(err)
	}
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{
		Namespace: "trueup", Name: "shop",
		OwnerReferences: []metav1.OwnerReference{{APIVersion: v1alpha1.GroupVersion().String(), Kind: "ApplicationSet", Name: "set", UID: "u", Controller: ptr.To(true)}},
	}}
	app.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: "https://git.example.com/other/charts.git"}
	return set, app
}

// TestWhoseSync: a pull request asks for a sync of an application that a set
// makes only where the set reads that very repository.
func TestWhoseSync(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		generators string
		want       bool
	}{
		"the repository":       {`[{git: {repoURL: 'https://github.com/acme/web.git', revision: main}}]`, true},
		"by another protocol":  {`[{git: {repoURL: 'git@github.com:acme/web.git', revision: main}}]`, true},
		"in a matrix":          {`[{matrix: {generators: [{list: {elements: []}}, {git: {repoURL: 'https://github.com/acme/web', revision: main}}]}}]`, true},
		"deeper":               {`[{merge: {mergeKeys: [a], generators: [{matrix: {generators: [{git: {repoURL: 'https://github.com/acme/web', revision: main}}, {list: {elements: []}}]}}, {list: {elements: []}}]}}]`, true},
		"a longer name":        {`[{git: {repoURL: 'https://github.com/acme/web-infra.git', revision: main}}]`, false},
		"another host":         {`[{git: {repoURL: 'https://git.example.com/acme/web.git', revision: main}}]`, false},
		"a value that says it": {`[{list: {elements: [{url: 'https://github.com/acme/web.git'}]}}]`, false},
		"filled in":            {`[{git: {repoURL: 'https://github.com/{{org}}/web.git', revision: main}}]`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, app := madeBySet(t, tc.generators)
			p := &previewedApps{client: fakeCluster(t, set, app).Build(), namespace: "trueup"}
			err := p.Sync(t.Context(), previews.Repository{Name: "github.com/acme/web"}, follow.App{Name: "shop"}, "ana")
			live, getErr := p.get(t.Context(), follow.App{Name: "shop"})
			if getErr != nil {
				t.Fatal(getErr)
			}
			if (err == nil) != tc.want || (live.Operation != nil) != tc.want || err != nil && fault.Of(err) != fault.Denied {
				t.Errorf("%v; the operation is %v", err, live.Operation)
			}
		})
	}
}

// TestSyncIsNotOverwritten: what somebody else asks for meanwhile stays.
func TestSyncIsNotOverwritten(t *testing.T) {
	t.Parallel()
	set, app := madeBySet(t, `[{git: {repoURL: 'https://github.com/acme/web.git', revision: main}}]`)
	asked := false
	c := fakeCluster(t, set, app).WithInterceptorFuncs(interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, patch client.Patch, opts ...client.PatchOption) error {
			if !asked {
				asked = true
				var other v1alpha1.Application
				if err := c.Get(ctx, client.ObjectKeyFromObject(app), &other); err != nil {
					return err
				}
				other.Operation = &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{}, InitiatedBy: v1alpha1.OperationInitiator{Username: "bob"}}
				if err := c.Update(ctx, &other); err != nil {
					return err
				}
			}
			return c.Patch(ctx, o, patch, opts...)
		},
	}).Build()
	p := &previewedApps{client: c, namespace: "trueup"}
	err := p.Sync(t.Context(), previews.Repository{Name: "github.com/acme/web"}, follow.App{Name: "shop"}, "ana")
	if fault.Of(err) != fault.Conflict {
		t.Errorf("error %v", err)
	}
	live, err := p.get(t.Context(), follow.App{Name: "shop"})
	if err != nil || live.Operation == nil || live.Operation.InitiatedBy.Username != "bob" {
		t.Errorf("the operation is %v, %v", live.Operation, err)
	}
}
