package live_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	driftschema "github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/live"
	"github.com/trueup-dev/trueup/preview/trial"
)

// cluster is one whose live objects and answers a test gives.
type cluster struct {
	t       *testing.T
	objects map[object.Key]*unstructured.Unstructured
	// answers are by object, or "delete OBJECT" for deletions.
	answers map[string]answer
	changes []v1alpha1.DriftChange

	mu    sync.Mutex
	sent  []string
	wait  chan struct{} // where not nil, reads block until it is closed
	reads int
}

// answer is what a cluster says: what it stores, a refusal, or none.
type answer struct {
	Status  *metav1.Status `json:"status"`
	Stored  map[string]any `json:"stored"`
	Unsafe  string         `json:"unsafe"`
	Silent  string         `json:"silent"`
	Get     *metav1.Status `json:"get"`
	Unknown bool           `json:"unknownKind"`
	Global  bool           `json:"clusterScoped"`
}

func newCluster(t *testing.T) *cluster {
	return &cluster{t: t, objects: map[object.Key]*unstructured.Unstructured{}, answers: map[string]answer{}}
}

func (c *cluster) Rehearse(_ context.Context, to v1alpha1.ApplicationDestination) (live.Cluster, error) {
	if to.Name == "silent" {
		return live.Cluster{}, fault.New(fault.Transient, "dial tcp 192.0.2.7:6443: i/o timeout")
	}
	builtin, err := driftschema.Builtin()
	return live.Cluster{Objects: c, Kinds: c, Trials: c, Schemas: builtin}, err
}

func (c *cluster) Changes(context.Context, string, string) ([]v1alpha1.DriftChange, error) {
	return c.changes, nil
}

// refused is a server's answer as an error.
type refused struct{ status metav1.Status }

func (r refused) Error() string         { return r.status.Message }
func (r refused) Status() metav1.Status { return r.status }

func (c *cluster) Get(ctx context.Context, _ schema.GroupVersionKind, key object.Key) (*unstructured.Unstructured, error) {
	c.mu.Lock()
	c.reads++
	wait := c.wait
	c.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, fault.Wrap(fault.Transient, ctx.Err())
		}
	}
	a := c.answers[key.Short()]
	switch {
	case a.Silent != "":
		return nil, fault.New(fault.Transient, "%s", a.Silent)
	case a.Get != nil:
		return nil, fault.Wrap(fault.Denied, refused{*a.Get})
	case c.objects[key] == nil:
		return nil, fault.New(fault.Missing, "%s is not there", key)
	}
	return c.objects[key].DeepCopy(), nil
}

func (c *cluster) Namespaced(_ context.Context, gvk schema.GroupVersionKind) (bool, error) {
	a := c.answers[gvk.Kind]
	if a.Unknown {
		return false, fault.New(fault.Missing, "no matches for kind %s", gvk.Kind)
	}
	return !a.Global && gvk.Kind != "Namespace" && gvk.Kind != "CustomResourceDefinition", nil
}

func (c *cluster) Apply(_ context.Context, u *unstructured.Unstructured) (live.Answer, error) {
	return c.answer(object.KeyOf(u).Short(), u)
}

func (c *cluster) Delete(_ context.Context, _ schema.GroupVersionKind, key object.Key, uid string) (live.Answer, error) {
	if c.objects[key] == nil || string(c.objects[key].GetUID()) != uid {
		c.t.Errorf("asked to delete %s with the UID %q", key, uid)
	}
	return c.answer("delete "+key.Short(), nil)
}

func (c *cluster) answer(name string, u *unstructured.Unstructured) (live.Answer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, name)
	a := c.answers[name]
	switch {
	case a.Unsafe != "":
		return live.Answer{}, &live.Unsafe{Reason: a.Unsafe}
	case a.Status != nil:
		return live.Answer{Refused: a.Status}, nil
	case a.Stored != nil:
		return live.Answer{Stored: &unstructured.Unstructured{Object: a.Stored}}, nil
	}
	return live.Answer{Stored: u}, nil
}

// parse reads objects as an application renders them: tracked by it.
func parse(t *testing.T, name, text, app string) []*unstructured.Unstructured {
	t.Helper()
	objects, err := drift.Parse(strings.NewReader(text), name)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range objects {
		if app != "" {
			object.Track(u, app)
		}
	}
	return objects
}

// read makes a change of the files base/APP.yaml, head/APP.yaml and
// APP-spec.yaml, and a cluster of live.yaml, answers.yaml and known.yaml. Live
// objects are tracked by the application web where an annotation does not say
// otherwise.
func read(t *testing.T, archive *txtar.Archive) (trial.Tried, *cluster) {
	t.Helper()
	c := newCluster(t)
	var tried trial.Tried
	specs := map[string]map[string]any{}
	load := func(f txtar.File, into any) {
		if err := yaml.UnmarshalStrict(f.Data, into); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
	}
	for _, f := range archive.Files {
		switch base := path.Base(f.Name); {
		case f.Name == "live.yaml":
			for _, u := range parse(t, f.Name, string(f.Data), "") {
				if by := u.GetAnnotations()["by"]; by != "nobody" {
					annotations := u.GetAnnotations()
					delete(annotations, "by")
					u.SetAnnotations(annotations)
					object.Track(u, cmp.Or(by, "web"))
				} else {
					u.SetAnnotations(nil)
				}
				c.objects[object.KeyOf(u)] = u
			}
		case f.Name == "answers.yaml":
			load(f, &c.answers)
		case f.Name == "known.yaml":
			load(f, &c.changes)
		case strings.HasSuffix(base, "-spec.yaml"):
			var spec map[string]any
			load(f, &spec)
			specs[strings.TrimSuffix(base, "-spec.yaml")] = spec
		}
	}
	for _, f := range archive.Files {
		side, file, ok := strings.Cut(f.Name, "/")
		if !ok {
			continue
		}
		name := strings.TrimSuffix(file, ".yaml")
		spec := map[string]any{"destination": map[string]any{"name": "eu-1", "namespace": "shop"}, "syncPolicy": map[string]any{"automated": map[string]any{"prune": true}}}
		for k, v := range specs[name] {
			spec[k] = v
		}
		to, _ := spec["destination"].(map[string]any)
		cluster, _ := to["name"].(string)
		s := preview.Side{Namespace: "trueup", Name: name, Cluster: cluster, Home: "shop", Spec: spec, Objects: parse(t, f.Name, string(f.Data), name)}
		if spec["cascades"] == true {
			s.Finalizers = []string{"trueup.dev/resources"}
		}
		if side == "base" {
			tried.Base = append(tried.Base, s)
		} else {
			tried.Head = append(tried.Head, s)
		}
	}
	builtin, err := driftschema.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	tried.Report = preview.Compare(preview.Input{Base: tried.Base, Head: tried.Head, Schemas: builtin, MaskKey: []byte("k")})
	return tried, c
}

func judge(c *cluster) live.Judge {
	return live.Judge{Clusters: c, Known: c, MaskKey: []byte("k"), Now: func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }}
}

// TestVerdicts runs the cases of testdata, and holds that what Git says is
// untouched.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	golden.Archives(t, "want", func(t *testing.T, archive *txtar.Archive) string {
		t.Helper()
		tried, c := read(t, archive)
		before, err := json.Marshal(tried.Report)
		if err != nil {
			t.Fatal(err)
		}
		got := judge(c).Judge(t.Context(), tried)
		if after, err := json.Marshal(tried.Report); err != nil || string(after) != string(before) {
			t.Errorf("the report of Git against Git was altered: %v", err)
		}
		text, err := yaml.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "hunter2") || strings.Contains(string(text), "aHVudGVyMg") {
			t.Errorf("it shows a secret value:\n%s", text)
		}
		return string(text)
	})
}

// many is a change of n config maps in one cluster.
func many(t *testing.T, n int) (trial.Tried, *cluster) {
	t.Helper()
	var base, head, have strings.Builder
	for i := range n {
		for _, side := range []struct {
			b     *strings.Builder
			value string
		}{{&base, "a"}, {&head, "b"}, {&have, "a"}} {
			fmt.Fprintf(side.b, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%03d, namespace: shop}\ndata: {x: %s}\n", i, side.value)
		}
	}
	return read(t, &txtar.Archive{Files: []txtar.File{
		{Name: "base/web.yaml", Data: []byte(base.String())}, {Name: "head/web.yaml", Data: []byte(head.String())}, {Name: "live.yaml", Data: []byte(have.String())},
	}})
}

// TestBounds: no more is asked than the limits say, and what is left out is
// counted.
func TestBounds(t *testing.T) {
	t.Parallel()
	tried, c := many(t, 20)
	j := judge(c)
	j.Limits.Objects = 7
	d := j.Judge(t.Context(), tried).Destinations[0]
	if len(d.Objects) != 7 || d.LeftOut != 13 || d.Asked != 14 || c.reads != 7 || len(c.sent) != 7 || d.Complete() {
		t.Errorf("%d objects, %d left out, %d asked, %d reads, %d sent, complete %v", len(d.Objects), d.LeftOut, d.Asked, c.reads, len(c.sent), d.Complete())
	}
}

// TestASilentCluster: one that falls silent is asked no more, what is known
// stays, and the end comes in time.
func TestASilentCluster(t *testing.T) {
	t.Parallel()
	t.Run("in the middle", func(t *testing.T) {
		t.Parallel()
		tried, c := many(t, 20)
		c.answers["ConfigMap shop/c003"] = answer{Silent: "connection refused"}
		j := judge(c)
		j.Limits.Parallel = 1
		d := j.Judge(t.Context(), tried).Destinations[0]
		if len(d.Objects) != 3 || d.LeftOut != 17 || d.Unknown != "ConfigMap shop/c003: connection refused" || d.Complete() {
			t.Errorf("%d objects, %d left out, %q", len(d.Objects), d.LeftOut, d.Unknown)
		}
	})
	t.Run("for ever", func(t *testing.T) {
		t.Parallel()
		tried, c := many(t, 20)
		c.wait = make(chan struct{})
		j := judge(c)
		j.Limits.Time = 20 * time.Millisecond
		d := j.Judge(t.Context(), tried).Destinations[0]
		if len(d.Objects) != 0 || d.LeftOut != 20 || d.Unknown != "it took more than 20ms" {
			t.Errorf("%d objects, %d left out, %q", len(d.Objects), d.LeftOut, d.Unknown)
		}
	})
	t.Run("the preview is stopped", func(t *testing.T) {
		t.Parallel()
		tried, c := many(t, 20)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("a newer head"))
		d := judge(c).Judge(ctx, tried).Destinations[0]
		if d.LeftOut != 20 || d.Unknown != "the preview was stopped" || len(c.sent) != 0 {
			t.Errorf("%d left out, %q, sent %v", d.LeftOut, d.Unknown, c.sent)
		}
	})
}

// TestUntrusted: for those who may not push, no cluster is asked.
func TestUntrusted(t *testing.T) {
	t.Parallel()
	tried, c := many(t, 3)
	tried.Report.Untrusted = true
	d := judge(c).Judge(t.Context(), tried).Destinations[0]
	if c.reads != 0 || len(c.sent) != 0 || d.LeftOut != 3 || !strings.Contains(d.Unknown, "may not push") {
		t.Errorf("%d reads, sent %v, %+v", c.reads, c.sent, d)
	}
}
