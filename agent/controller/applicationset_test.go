package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/lifecycle"
	"github.com/trueup-dev/trueup/internal/kube"
)

// bench is a controller over a store that counts and refuses writes.
type bench struct {
	t     *testing.T
	sets  *ApplicationSets
	store client.Client
	mu    sync.Mutex
	// writes are verbs with kinds and names, in the order in which they came.
	writes []string
	// refuse fails a write.
	refuse func(write string) error
	asked  int // clusters
	known  []appset.Cluster
	// spec is what a reader finds as the set's spec, where the store, which
	// decodes strictly, could not hold it.
	spec string
}

func (b *bench) Clusters(context.Context) ([]appset.Cluster, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	return b.known, nil
}

type nowhere struct{}

func (nowhere) UseAll(types.NamespacedName, []string) {}
func (nowhere) Err(string) error                      { return nil }
func (nowhere) Now(string) bool                       { return false }

func (b *bench) note(verb string, o client.Object) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	write := fmt.Sprintf("%s %s", verb, o.GetName())
	b.writes = append(b.writes, write)
	if b.refuse != nil {
		return b.refuse(write)
	}
	return nil
}

func newBench(t *testing.T, objects ...client.Object) *bench {
	t.Helper()
	b := &bench{t: t}
	scheme, err := kube.NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	counted := interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if err := c.Get(ctx, key, o, opts...); err != nil {
				return err
			}
			return b.spoil(o)
		},
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			if err := b.note("create", o); err != nil {
				return err
			}
			return c.Create(ctx, o, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			if err := b.note("patch", o); err != nil {
				return err
			}
			return c.Patch(ctx, o, p, opts...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			if err := b.note("delete", o); err != nil {
				return err
			}
			return c.Delete(ctx, o, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			if err := b.note("patch status of", o); err != nil {
				return err
			}
			return c.SubResource(sub).Patch(ctx, o, p, opts...)
		},
	}
	b.store = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(&v1alpha1.ApplicationSet{}, &v1alpha1.Application{}).
		WithIndex(&v1alpha1.Application{}, ownerIndex, ownerOf).WithInterceptorFuncs(counted).Build()
	b.sets = &ApplicationSets{Client: b.store, Repositories: nowhere{}, Namespace: "trueup", World: appset.World{Clusters: b}}
	return b
}

// look reconciles once and gives the writes of it.
func (b *bench) look() ([]string, error) {
	b.t.Helper()
	b.writes = nil
	_, err := b.sets.Reconcile(b.t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "trueup", Name: "shop"}})
	return b.writes, err
}

func (b *bench) set() *v1alpha1.ApplicationSet {
	b.t.Helper()
	out := &v1alpha1.ApplicationSet{}
	if err := b.store.Get(b.t.Context(), client.ObjectKey{Namespace: "trueup", Name: "shop"}, out); err != nil {
		b.t.Fatal(err)
	}
	return out
}

// shop is a set with an application for each name.
func shop(names ...string) *v1alpha1.ApplicationSet {
	set := &v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "trueup", UID: "uid-of-shop", Generation: 1}}
	set.Spec.GoTemplate = true
	list := &v1alpha1.ListGenerator{}
	for _, name := range names {
		list.Elements = append(list.Elements, apiextensionsv1.JSON{Raw: fmt.Appendf(nil, `{"name": %q}`, name)})
	}
	set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{{List: list}}
	set.Spec.Template.Name = "{{ .name }}"
	set.Spec.Template.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: "https://git.example.com/a.git", Path: "{{ .name }}"}
	set.Spec.Template.Spec.Destination.Name = appset.LocalName
	return set
}

func TestAnswersAreRememberedFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t, shop("a", "b"))
	got, err := b.look()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got[1:3]) // several at a time
	if diff := cmp.Diff([]string{"patch status of shop", "create a", "create b", "patch status of shop"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	status := b.set().Status
	if len(status.Generators) != 1 || status.Generators[0].ParameterSets != 2 || status.ResourcesCount != 2 {
		t.Errorf("the status reads %+v", status)
	}
	// At rest nothing is written, and no generator is asked.
	asked := b.asked
	for range 3 {
		if got, err := b.look(); len(got) > 0 || err != nil {
			t.Errorf("at rest there is %v, %v", got, err)
		}
	}
	if diff := cmp.Diff(Expansions{OK: 1}, b.sets.Expansions()); diff != "" {
		t.Errorf("expanded (-want +got):\n%s", diff)
	}
	if b.asked-asked > 3 { // who may be named is looked up, in a cache
		t.Errorf("clusters were listed %d times", b.asked-asked)
	}
}

func TestNothingHappensBeforeAnswersAreRemembered(t *testing.T) {
	t.Parallel()
	b := newBench(t, shop("a", "b"))
	b.refuse = func(write string) error {
		if write == "patch status of shop" {
			return errors.New("etcd is away")
		}
		return nil
	}
	got, err := b.look()
	if err == nil || len(got) != 1 {
		t.Errorf("there is %v, %v", got, err)
	}
}

func TestFailuresAreToldTogether(t *testing.T) {
	t.Parallel()
	b := newBench(t, shop("a", "b", "c"))
	b.refuse = func(write string) error {
		if write == "create a" || write == "create c" {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "applications"}, write, errors.New("quota"))
		}
		return nil
	}
	_, err := b.look()
	if err == nil || !strings.Contains(err.Error(), "create application a") || !strings.Contains(err.Error(), "create application c") {
		t.Errorf("the error is %v", err)
	}
	c := apimeta.FindStatusCondition(b.set().Status.Conditions, lifecycle.ErrorOccurred)
	if c == nil || c.Reason != "WriteFailed" || !strings.Contains(c.Message, "application a") || !strings.Contains(c.Message, "application c") {
		t.Errorf("the condition reads %+v", c)
	}
	b.refuse = nil
	if _, err := b.look(); err != nil {
		t.Fatal(err)
	}
	if set := b.set(); set.Status.ResourcesCount != 3 || apimeta.IsStatusConditionTrue(set.Status.Conditions, lifecycle.ErrorOccurred) {
		t.Errorf("the status reads %+v", set.Status)
	}
}

// TestRaces: somebody else was faster, or the cache is behind. Nobody is told,
// and the next look goes on.
func TestRaces(t *testing.T) {
	t.Parallel()
	b := newBench(t, shop("a", "b"))
	b.refuse = func(write string) error {
		if write == "create a" {
			return apierrors.NewAlreadyExists(schema.GroupResource{Resource: "applications"}, "a")
		}
		return nil
	}
	if _, err := b.look(); err != nil {
		t.Fatal(err)
	}
	if c := apimeta.FindStatusCondition(b.set().Status.Conditions, lifecycle.ErrorOccurred); c != nil {
		t.Errorf("the condition reads %+v", c)
	}
	b.refuse = nil
	if _, err := b.look(); err != nil || b.set().Status.ResourcesCount != 2 {
		t.Errorf("the status reads %+v, %v", b.set().Status, err)
	}
}

func TestHeldAndConfirmed(t *testing.T) {
	t.Parallel()
	b := newBench(t, shop("a", "b", "c", "d", "e"))
	if _, err := b.look(); err != nil {
		t.Fatal(err)
	}
	set := b.set()
	set.Spec.Generators, set.Generation = shop("a").Spec.Generators, 2
	if err := b.store.Update(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got, err := b.look()
		if err != nil || slices.ContainsFunc(got, func(w string) bool { return strings.HasPrefix(w, "delete") }) {
			t.Fatalf("there is %v, %v", got, err)
		}
	}
	set = b.set()
	if set.Status.Held == nil || set.Status.Held.Count != 4 {
		t.Fatalf("the status reads %+v", set.Status)
	}
	set.Annotations = map[string]string{v1alpha1.ConfirmDeletion: set.Status.Held.Digest}
	if err := b.store.Update(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	// The agent stops in the middle: one of them cannot be deleted.
	b.refuse = func(write string) error {
		if write == "delete c" {
			return errors.New("etcd is away")
		}
		return nil
	}
	if _, err := b.look(); err == nil {
		t.Error("a failed deletion is not told")
	}
	b.refuse = nil
	if got, err := b.look(); err != nil || !slices.Contains(got, "delete c") {
		t.Errorf("the rest does not go: %v, %v", got, err)
	}
	// Finalizers have the applications go when their objects did.
	var apps v1alpha1.ApplicationList
	if err := b.store.List(t.Context(), &apps); err != nil {
		t.Fatal(err)
	}
	for i := range apps.Items {
		if app := &apps.Items[i]; !app.DeletionTimestamp.IsZero() {
			app.Finalizers = nil
			if err := b.store.Update(t.Context(), app); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := b.look(); err != nil {
		t.Fatal(err)
	}
	set = b.set()
	if set.Status.Held != nil || len(set.Annotations) > 0 || set.Status.ResourcesCount != 1 {
		t.Errorf("the set reads %+v", set)
	}
	if got, err := b.look(); len(got) > 0 || err != nil {
		t.Errorf("at rest there is %v, %v", got, err)
	}
}
