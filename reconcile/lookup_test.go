package reconcile

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/render"
)

// looking is an engine that looks one thing up and tells what it found.
type looking struct{ query render.Query }

func (oneProject) MayRead(context.Context, string, string) error { return nil }

func (l looking) Render(ctx context.Context, req render.Request) ([]render.Manifest, error) {
	data := map[string]any{"port": req.Live != nil}
	if req.Live != nil {
		found, err := req.Live.Lookup(ctx, l.query)
		if err != nil {
			return nil, err
		}
		data["found"] = names(found)
	}
	return []render.Manifest{{Object: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "told", "namespace": "shop"}, "data": data,
	}}}}, nil
}

func names(found map[string]any) string {
	items, list := found["items"].([]any)
	if !list {
		u := unstructured.Unstructured{Object: found}
		return u.GetName()
	}
	var out []string
	for _, i := range items {
		o, _ := i.(map[string]any)
		u := unstructured.Unstructured{Object: o}
		out = append(out, u.GetNamespace()+"/"+u.GetName())
	}
	return strings.Join(out, " ")
}

// scopes knows two kinds.
type scopes struct{ *memoryCluster }

func (scopes) Namespaced(_ context.Context, gvk schema.GroupVersionKind) (bool, error) {
	switch gvk.Kind {
	case "Node":
		return false, nil
	case "ConfigMap", "Secret":
		return true, nil
	case "Broken":
		return false, fault.New(fault.Transient, "discovery failed")
	}
	return false, fault.New(fault.Missing, "not served")
}

type oneProject struct{ spec v1alpha1.ProjectSpec }

func (p oneProject) Project(_ context.Context, name string) (*v1alpha1.Project, error) {
	out := &v1alpha1.Project{Spec: p.spec}
	out.Name = name
	return out, nil
}

func TestLookupIsForThoseWhoAskWithinTheirProject(t *testing.T) {
	t.Parallel()
	in := func(namespaces ...string) *v1alpha1.ProjectSpec {
		spec := &v1alpha1.ProjectSpec{SourceRepos: []string{"*"}}
		for _, ns := range namespaces {
			spec.Destinations = append(spec.Destinations, v1alpha1.ApplicationDestination{Name: "memory", Namespace: ns})
		}
		return spec
	}
	noSecrets := in("shop")
	noSecrets.NamespaceResourceBlacklist = []metav1.GroupKind{{Kind: "Secret"}}
	nodes := in("shop")
	nodes.ClusterResourceWhitelist = []v1alpha1.ClusterResourceRestriction{{Kind: "Node", Name: "n1"}}
	secret := func(namespace, name string) render.Query {
		return render.Query{APIVersion: "v1", Kind: "Secret", Namespace: namespace, Name: name}
	}
	node := func(name string) render.Query { return render.Query{APIVersion: "v1", Kind: "Node", Name: name} }
	for _, tc := range []struct {
		reason     string
		annotation string
		project    *v1alpha1.ProjectSpec
		query      render.Query
		want       map[string]any
		kind       fault.Kind
		says       string
	}{
		{reason: "nobody looks who did not ask to", query: secret("shop", "db"), want: map[string]any{"port": false}},
		{reason: "another value is no consent", annotation: "yes", query: secret("shop", "db"), want: map[string]any{"port": false}},
		{reason: "without a project all is permitted", annotation: "true", query: secret("other", "key"), want: map[string]any{"port": true, "found": "key"}},
		{reason: "a list without a namespace is of all, in order", annotation: "true", query: secret("", ""), want: map[string]any{"port": true, "found": "other/key shop/api shop/db"}},
		{reason: "what is absent is empty", annotation: "true", query: secret("shop", "none"), want: map[string]any{"port": true, "found": ""}},
		{reason: "no object has a name and no namespace", annotation: "true", project: in("shop"), query: secret("", "db"), want: map[string]any{"port": true, "found": ""}},
		{reason: "a kind that is not served is empty", annotation: "true", project: in("shop"), query: render.Query{APIVersion: "v1", Kind: "Nothing", Name: "a"}, want: map[string]any{"port": true, "found": ""}},
		{reason: "a cluster that does not answer is no absence", annotation: "true", query: render.Query{APIVersion: "v1", Kind: "Broken", Name: "a"}, kind: fault.Transient, says: "discovery failed"},
		{reason: "a version is no guess", annotation: "true", query: render.Query{APIVersion: "a/b/c", Kind: "Secret"}, kind: fault.Invalid, says: "a/b/c"},
		{reason: "a namespace of the project", annotation: "true", project: in("shop"), query: secret("shop", ""), want: map[string]any{"port": true, "found": "shop/api shop/db"}},
		{reason: "a namespace of somebody else", annotation: "true", project: in("shop"), query: secret("other", "key"), kind: fault.Denied, says: "project default does not permit Secret other/key"},
		{reason: "not even what is absent there is told", annotation: "true", project: in("shop"), query: secret("other", "none"), kind: fault.Denied, says: "other/none"},
		{reason: "a list of somebody else's", annotation: "true", project: in("shop"), query: secret("other", ""), kind: fault.Denied, says: "namespace other"},
		{reason: "all namespaces are more than one", annotation: "true", project: in("shop"), query: secret("", ""), kind: fault.Denied, says: "namespace *"},
		{reason: "all but one are not all", annotation: "true", project: in("*", "!other"), query: secret("", ""), kind: fault.Denied, says: "does not permit all"},
		{reason: "all", annotation: "true", project: in("*"), query: secret("", ""), want: map[string]any{"port": true, "found": "other/key shop/api shop/db"}},
		{reason: "a kind that is denied", annotation: "true", project: noSecrets, query: secret("shop", "db"), kind: fault.Denied, says: "the kind of Secret shop/db"},
		{reason: "a kind of the whole cluster", annotation: "true", project: in("*"), query: node("n1"), kind: fault.Denied, says: "Node"},
		{reason: "one that is named", annotation: "true", project: nodes, query: node("n1"), want: map[string]any{"port": true, "found": "n1"}},
		{reason: "a namespace means nothing to such a kind", annotation: "true", project: nodes, query: render.Query{APIVersion: "v1", Kind: "Node", Namespace: "other", Name: "n1"}, want: map[string]any{"port": true, "found": "n1"}},
		{reason: "another one", annotation: "true", project: nodes, query: node("n2"), kind: fault.Denied, says: "n2"},
		{reason: "all of them", annotation: "true", project: nodes, query: node(""), kind: fault.Denied, says: "Node"},
	} {
		f, c := lookupFlow(t, tc.query)
		if tc.project != nil {
			f.Projects = oneProject{*tc.project}
		}
		app := application(nil)
		if tc.annotation != "" {
			app.Annotations = map[string]string{LookupAnnotation: tc.annotation}
		}
		d, _, err := f.Desire(t.Context(), app)
		if fault.Of(err) != tc.kind {
			t.Errorf("%s: %v", tc.reason, err)
			continue
		}
		if err != nil {
			if !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: %v", tc.reason, err)
			}
			continue
		}
		if diff := cmp.Diff(tc.want, d.Objects[0].Object["data"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
		if d.Sensitive != (tc.want["port"] == true) || c.writes != 0 {
			t.Errorf("%s: sensitive %v, %d writes", tc.reason, d.Sensitive, c.writes)
		}
	}
}

func lookupFlow(t *testing.T, q render.Query) (*Flow, *memoryCluster) {
	t.Helper()
	f, c := newFlow(t, "")
	for _, key := range []object.Key{
		{Kind: "Secret", Namespace: "shop", Name: "db"}, {Kind: "Secret", Namespace: "shop", Name: "api"}, {Kind: "Secret", Namespace: "other", Name: "key"},
		{Kind: "Node", Name: "n1"}, {Kind: "Node", Name: "n2"},
	} {
		u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": key.Kind}}
		u.SetName(key.Name)
		u.SetNamespace(key.Namespace)
		c.stored[key] = u
	}
	s, _ := f.Clusters.(source)
	s.cluster.Kinds = scopes{c}
	f.Renderer = render.NewCache(render.New(map[render.Type]render.Engine{render.Directory: looking{q}}, render.DefaultLimits()), render.CacheOptions{})
	return f, c
}

func TestWhatWasLookedUpIsLookedUpAgain(t *testing.T) {
	t.Parallel()
	f, c := lookupFlow(t, render.Query{APIVersion: "v1", Kind: "Secret", Namespace: "shop"})
	app, mem := application(nil), &Memory{}
	app.Annotations = map[string]string{LookupAnnotation: "true"}
	app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.SyncPolicyAutomated{}}
	told := func() any {
		t.Helper()
		if out := f.Run(t.Context(), app, mem); out.Err != nil {
			t.Fatal(out.Err)
		}
		return c.stored[object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "told"}].Object["data"].(map[string]any)["found"]
	}
	if got := told(); got != "shop/api shop/db" {
		t.Errorf("at first: %v", got)
	}
	delete(c.stored, object.Key{Kind: "Secret", Namespace: "shop", Name: "api"})
	if f.Touched(t.Context(), mem) {
		t.Error("a commit that changes nothing asks the cluster")
	}
	if got := told(); got != "shop/db" {
		t.Errorf("after one was deleted: %v", got)
	}
}

func TestWithoutAClusterAWarningTellsThatNothingIsFound(t *testing.T) {
	t.Parallel()
	f, _ := lookupFlow(t, render.Query{})
	s, _ := f.Clusters.(source)
	s.cluster.Objects = nil
	app := application(nil)
	app.Annotations = map[string]string{LookupAnnotation: "true"}
	d, _, err := f.Desire(t.Context(), app)
	if err != nil || len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], LookupAnnotation) {
		t.Errorf("%v, %v", d, err)
	}
}
