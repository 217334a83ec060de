package agent_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	driftschema "github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/reconcile"
)

const matrixManifests = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "example.com/web:1", env: [{name: A, value: "1"}, {name: B, value: "2"}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: marker}
spec:
  replicas: 0
  selector: {matchLabels: {app: marker}}
  template:
    metadata: {labels: {app: marker}}
    spec: {containers: [{name: web, image: "example.com/web:1"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: "1", b: "2"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: marker}
---
apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {password: hunter2}
---
apiVersion: v1
kind: Secret
metadata: {name: marker}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: marker}
`

// matrix is an agent that corrects nothing, and what a fresh comparison needs.
type matrix struct {
	*world
	tap  *tap
	flow *reconcile.Flow
}

func startMatrix(t *testing.T) *matrix {
	t.Helper()
	m := &matrix{tap: &tap{}}
	m.world = start(t, func(o *agent.Options) { o.Config, o.Sweep = m.tap.on(o.Config), 0 }) // a sweep would count as reads
	builtin, err := driftschema.Builtin()
	m.must(err)
	clusters := &agent.Destinations{Local: m.config, Reader: m.client, Namespace: m.namespace, Builtin: builtin, See: func(string, reconcile.Sighting) {}}
	t.Cleanup(clusters.Close)
	mirrors := git.New(git.Options{Dir: t.TempDir(), Files: true})
	t.Cleanup(mirrors.Close)
	m.flow = &reconcile.Flow{
		Sources: agent.Sources{Git: mirrors}, Renderer: render.New(m.options.Engines, render.DefaultLimits()), Clusters: clusters,
		Now: time.Now, Namespace: m.namespace,
	}
	return m
}

// subject is the application of one case.
type subject struct {
	*matrix
	t    *testing.T
	name string
	ns   string
}

// as is what somebody with another client's name uses.
func (s *subject) as(manager string) client.Client { return client.WithFieldOwner(s.client, manager) }

func (s *subject) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *subject) get(apiVersion, kind, name string) *unstructured.Unstructured {
	s.t.Helper()
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(schema.FromAPIVersionAndKind(apiVersion, kind))
	s.check(s.client.Get(s.t.Context(), client.ObjectKey{Namespace: s.ns, Name: name}, u))
	return u
}

func (s *subject) deployment() *unstructured.Unstructured {
	return s.get("apps/v1", "Deployment", "web")
}

func (s *subject) patch(u *unstructured.Unstructured, by string, kind client.Patch, options ...client.PatchOption) {
	s.t.Helper()
	s.check(s.as(by).Patch(s.t.Context(), u, kind, options...))
}

func set(u *unstructured.Unstructured, value any, path ...string) *unstructured.Unstructured {
	if err := unstructured.SetNestedField(u.Object, value, path...); err != nil {
		panic(err)
	}
	return u
}

// setContainer changes the first container of a Deployment.
func setContainer(u *unstructured.Unstructured, field string, value any) *unstructured.Unstructured {
	at := []string{"spec", "template", "spec", "containers"}
	all, _, _ := unstructured.NestedSlice(u.Object, at...)
	all[0].(map[string]any)[field] = value //nolint:forcetypeassert // the test wrote it
	return set(u, all, at...)
}

// barrier waits until the agent has looked at everything that has happened to
// objects of these kinds so far: the events of a kind come in order, so that
// it has seen all before that of the marker.
func (s *subject) barrier(kinds ...schema.GroupVersionKind) *v1alpha1.Application {
	s.t.Helper()
	stamp := fmt.Sprint(time.Now().UnixNano())
	for _, gvk := range kinds {
		marker := s.get(gvk.GroupVersion().String(), gvk.Kind, "marker")
		annotations := marker.GetAnnotations()
		annotations["example.com/marker"] = stamp
		marker.SetAnnotations(annotations)
		s.check(s.as("marker").Update(s.t.Context(), marker))
	}
	return s.await(s.name, "aware of the markers", func(app *v1alpha1.Application) bool {
		n := 0
		for _, c := range app.Status.Drift.Changes {
			if c.Name == "marker" && c.Live != nil && string(c.Live.Raw) == `"`+stamp+`"` {
				n++
			}
		}
		return n == len(kinds)
	})
}

// told lists what the status says has drifted, without the markers, and
// objects that are out of sync.
func told(app *v1alpha1.Application) []string {
	var out []string
	uid := regexp.MustCompile(`uid=[-0-9a-f]+`)
	for _, c := range app.Status.Drift.Changes {
		if c.Name != "marker" {
			out = append(out, strings.Join([]string{c.Kind, c.Name, uid.ReplaceAllString(c.Path, "uid=..."), c.Class, c.Manager}, " "))
		}
	}
	for _, r := range app.Status.Resources {
		if r.Name != "marker" && r.Status != v1alpha1.SyncStatusCodeSynced {
			out = append(out, r.Kind+" "+r.Name+" "+string(r.Status))
		}
	}
	slices.Sort(out)
	return out
}

// found lists what a fresh comparison finds, in the same form.
func found(report drift.Report) []string {
	var out []string
	uid := regexp.MustCompile(`uid=[-0-9a-f]+`)
	for _, o := range report.Objects {
		if o.Name == "marker" {
			continue
		}
		switch o.State {
		case drift.InSync:
		case drift.Missing:
			out = append(out, o.Kind+" "+o.Name+"  declared ", o.Kind+" "+o.Name+" OutOfSync")
		case drift.Unknown:
			out = append(out, o.Kind+" "+o.Name+" Unknown")
		default:
			out = append(out, o.Kind+" "+o.Name+" OutOfSync")
		}
		for _, f := range o.Fields {
			if f.Class != drift.Expected {
				out = append(out, strings.Join([]string{o.Kind, o.Name, uid.ReplaceAllString(f.Path, "uid=..."), string(f.Class), f.Manager}, " "))
			}
		}
	}
	slices.Sort(out)
	return out
}

// TestDetection proves the rule by which the agent decides from a watch event
// whether to look at an object: it finds what a fresh comparison of everything
// finds, by reading no more than the object that changed.
func TestDetection(t *testing.T) {
	t.Parallel()
	m := startMatrix(t)
	for _, tc := range detectionCases() {
		m.write("matrix/"+tc.folder()+"/all.yaml", matrixManifests+strings.ReplaceAll(tc.manifests, "NAMESPACE", m.namespace+"-"+tc.folder()))
	}
	m.commit("Describe the cases")
	for _, tc := range detectionCases() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			own := *m.world
			own.t = t
			s := &subject{matrix: &matrix{&own, m.tap, m.flow}, t: t, name: tc.folder(), ns: m.namespace + "-" + tc.folder()}
			s.detect(tc)
		})
	}
}

func (s *subject) detect(tc detection) {
	if tc.before != nil {
		tc.before(s)
	}
	s.app(s.name, "matrix/"+s.name, func(app *v1alpha1.Application) { app.Spec.SyncPolicy.Automated.SelfHeal = false })
	s.await(s.name, "synced and healthy", good)
	if tc.after != nil {
		tc.after(s)
	}
	kinds := []schema.GroupVersionKind{
		{Group: "apps", Version: "v1", Kind: "Deployment"}, {Version: "v1", Kind: "ConfigMap"}, {Version: "v1", Kind: "Secret"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "Role"},
	}
	s.barrier(kinds...)
	at := "/namespaces/" + s.ns + "/"
	reads := func() int {
		n := 0
		for _, what := range []string{"deployments/web/", "configmaps/settings/", "secrets/login/", "roles/reader/", "widgets/gear/", "horizontalpodautoscalers/web/"} {
			n += s.tap.readsOf(at + what)
		}
		return n
	}
	before := reads()
	began := time.Now()
	tc.act(s)
	app := s.barrier(kinds...)
	if tc.settled != nil {
		app = s.await(s.name, "as expected", func(a *v1alpha1.Application) bool { return tc.settled(told(a)) })
	}
	took := time.Since(began)
	read := reads() - before
	slices.Sort(tc.want)
	if diff := cmp.Diff(tc.want, told(app)); diff != "" {
		s.t.Errorf("the status tells (-want +got):\n%s", diff)
	}
	report, err := s.flow.Compare(context.WithoutCancel(s.t.Context()), app, "")
	s.check(err)
	if diff := cmp.Diff(found(report), told(app)); diff != "" {
		s.t.Errorf("a fresh comparison finds other than the status tells (-fresh +status):\n%s", diff)
	}
	if read > tc.reads {
		s.t.Errorf("%d objects were read, want at most %d", read, tc.reads)
	}
	s.t.Logf("%d reads, %s until the markers were told as well", read, took.Round(time.Millisecond))
}

// widgets defines a kind of this case's own, of which one version is stored.
func (s *subject) widgets(stored string) {
	s.t.Helper()
	version := func(name string) string {
		return fmt.Sprintf(`{name: %s, served: true, storage: %t, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}}`,
			name, name == stored)
	}
	crd := parse(`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: widgets.%[1]s.example.com},
  spec: {group: %[1]s.example.com, scope: Namespaced, names: {kind: Widget, plural: widgets, singular: widget}, versions: [%[2]s, %[3]s]}}`,
		s.ns, version("v1"), version("v2"))
	s.patch(crd, "kubectl-apply", client.Apply, client.ForceOwnership) //nolint:staticcheck // as clients do that know no apply configurations
	s.t.Cleanup(func() { _ = s.client.Delete(context.WithoutCancel(s.t.Context()), crd) })
	s.until("the definition is established", func(ctx context.Context) bool {
		conditions, _, _ := unstructured.NestedSlice(s.definition(ctx, crd.GetName()).Object, "status", "conditions")
		return slices.ContainsFunc(conditions, func(c any) bool {
			condition, _ := c.(map[string]any)
			return condition["type"] == "Established" && condition["status"] == "True"
		})
	})
}

func (s *subject) definition(ctx context.Context, name string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	if err := s.client.Get(ctx, client.ObjectKey{Name: name}, u); err != nil {
		return &unstructured.Unstructured{Object: map[string]any{}}
	}
	return u
}

// owned is an annotation by which an object that somebody makes looks like
// the application's.
func (s *subject) owned(u *unstructured.Unstructured) *unstructured.Unstructured {
	u.SetLabels(map[string]string{object.ManagedLabel: "true"})
	u.SetAnnotations(map[string]string{object.TrackingAnnotation: fmt.Sprintf("%s:/%s:%s/%s", s.name, u.GetKind(), s.ns, u.GetName())})
	return u
}
