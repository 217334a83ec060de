package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile"
)

// tracker watches the metadata of tracked objects, one watch per kind, and
// knows which application each of them belongs to.
type tracker struct {
	client metadata.Interface
	see    func(app string, s reconcile.Sighting)
	stop   context.CancelFunc
	ctx    context.Context //nolint:containedctx // the watches' life is the tracker's, not a caller's
	all    sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	watches map[schema.GroupVersionResource]*kindWatch
	owned   map[string]map[object.Key]string // app -> object -> API version
}

func newTracker(client metadata.Interface, see func(string, reconcile.Sighting)) *tracker {
	ctx, stop := context.WithCancel(context.Background())
	return &tracker{client: client, see: see, ctx: ctx, stop: stop,
		watches: map[schema.GroupVersionResource]*kindWatch{}, owned: map[string]map[object.Key]string{}}
}

// start runs what ends with the tracker, and which close waits for.
func (t *tracker) start(f func(context.Context)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		go f(t.ctx) // which ends at once
		return
	}
	t.all.Go(func() { f(t.ctx) })
}

func (t *tracker) close() {
	t.stop()
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.all.Wait()
}

// watchTimeout bounds the wait for the first list of a kind.
const watchTimeout = 30 * time.Second

// Owned implements reconcile.Objects. A kind that the cluster does not serve
// has no objects. A cluster that does not answer at all is an error.
func (c *Cluster) Owned(ctx context.Context, app string, kinds []schema.GroupVersionKind) ([]reconcile.Owned, error) {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	var blind []error
	for _, gvk := range kinds {
		err := c.watch(ctx, gvk)
		switch {
		case err == nil || fault.Of(err) == fault.Missing:
		case refusal(err):
			blind = append(blind, &reconcile.Unwatched{Kind: gvk, Err: err})
		default:
			return nil, err
		}
	}
	c.tracker.mu.Lock()
	defer c.tracker.mu.Unlock()
	owned := c.tracker.owned[app]
	out := make([]reconcile.Owned, 0, len(owned))
	for _, key := range slices.SortedFunc(maps.Keys(owned), object.Key.Compare) {
		out = append(out, reconcile.Owned{Key: key, Version: owned[key]})
	}
	return out, errors.Join(blind...)
}

// refusal reports an answer of an API server that concerns one kind.
func refusal(err error) bool {
	var answered *reconcile.Answered
	kind := fault.Of(err)
	return kind == fault.Denied || kind == fault.Invalid || errors.As(err, &answered)
}

// watch watches a kind, if nobody did so far, and waits until all its tracked
// objects are known.
func (c *Cluster) watch(ctx context.Context, gvk schema.GroupVersionKind) error {
	mapping, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return classify(err)
	}
	w := c.tracker.watch(mapping.Resource, gvk)
	select {
	case <-w.synced:
		return nil
	default:
	}
	select {
	case <-w.synced:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("watch %s: %w", mapping.Resource.Resource, classify(cmp.Or(w.failure(), ctx.Err())))
	case <-w.refused: // it tries again by itself; until then nothing is known
		return fmt.Errorf("watch %s: %w", mapping.Resource.Resource, w.answer())
	}
}

func (t *tracker) watch(gvr schema.GroupVersionResource, gvk schema.GroupVersionKind) *kindWatch {
	t.mu.Lock()
	defer t.mu.Unlock()
	if w, ok := t.watches[gvr]; ok {
		return w
	}
	w := &kindWatch{tracker: t, gvr: gvr, gvk: gvk, synced: make(chan struct{}), refused: make(chan struct{}), known: map[string]tracked{}}
	t.watches[gvr] = w
	reflector := cache.NewReflectorWithOptions(w.lister(t.client), &metav1.PartialObjectMetadata{}, w, cache.ReflectorOptions{
		Name: "tracked " + gvr.Resource, TypeDescription: gvr.String(),
	})
	t.all.Go(func() { reflector.RunWithContext(t.ctx) })
	return w
}

// tracked is what is kept of an object between events.
type tracked struct {
	key     object.Key
	app     string
	version string
}

// kindWatch is the store of one reflector: it keeps next to nothing, and
// passes on what changed.
type kindWatch struct {
	tracker *tracker
	gvr     schema.GroupVersionResource
	gvk     schema.GroupVersionKind
	synced  chan struct{}
	refused chan struct{}

	mu      sync.Mutex
	err     error // of the last request; nil when it was good
	refusal error // the last that the server itself gave
	isOpen  bool
	known   map[string]tracked // by namespace/name
	// lately are objects that were tracked until not long ago: news of who
	// deleted them, or took their label away, comes late.
	lately map[string]time.Time
}

// What is remembered of objects that are not tracked any more.
const (
	latelyAge = 10 * time.Minute
	maxLately = 4096
)

// selector finds tracked objects.
const selector = object.ManagedLabel + "=true"

func (w *kindWatch) lister(client metadata.Interface) cache.ListerWatcher {
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = selector
			list, err := client.Resource(w.gvr).List(ctx, o)
			w.failed(err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = selector
			stream, err := client.Resource(w.gvr).Watch(ctx, o)
			w.failed(err)
			return stream, err
		},
	}
}

func (w *kindWatch) failed(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
	if err == nil || !refusal(classify(err)) {
		return
	}
	if w.refusal == nil {
		close(w.refused)
	}
	w.refusal = err
}

// answer is why the server does not let the kind be watched.
func (w *kindWatch) answer() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return classify(w.refusal)
}

func (w *kindWatch) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Add, Update, Delete, Replace and Resync implement cache.ReflectorStore.
func (w *kindWatch) Add(o any) error { w.put(o, false); return nil }

// Update implements cache.ReflectorStore.
func (w *kindWatch) Update(o any) error { w.put(o, false); return nil }

// Resync implements cache.ReflectorStore.
func (w *kindWatch) Resync() error { return nil }

// Delete implements cache.ReflectorStore.
func (w *kindWatch) Delete(o any) error {
	if m, ok := o.(*metav1.PartialObjectMetadata); ok {
		w.drop(m.Namespace+"/"+m.Name, m.ResourceVersion)
	}
	return nil
}

// Replace implements cache.ReflectorStore: after a list, what is not in it
// any more is gone.
func (w *kindWatch) Replace(list []any, _ string) error {
	present := map[string]bool{}
	for _, o := range list {
		if m, ok := o.(*metav1.PartialObjectMetadata); ok {
			present[m.Namespace+"/"+m.Name] = true
			w.put(m, true)
		}
	}
	w.mu.Lock()
	var gone []string
	for id := range w.known {
		if !present[id] {
			gone = append(gone, id)
		}
	}
	first := !w.isOpen
	w.isOpen = true
	w.mu.Unlock()
	for _, id := range gone {
		w.drop(id, "")
	}
	if first {
		close(w.synced)
	}
	return nil
}

// put takes in a version of an object; gap says that others may have been
// between it and the last one.
func (w *kindWatch) put(o any, gap bool) {
	m, ok := o.(*metav1.PartialObjectMetadata)
	if !ok {
		return
	}
	key := object.Key{Group: w.gvk.Group, Kind: w.gvk.Kind, Namespace: m.Namespace, Name: m.Name}
	app, ok := object.OwnerOfID(m.Annotations[object.TrackingAnnotation], key)
	id := m.Namespace + "/" + m.Name
	w.mu.Lock()
	old, known := w.known[id]
	if known && old.version == m.ResourceVersion && old.app == app {
		w.mu.Unlock()
		return
	}
	if ok {
		w.known[id] = tracked{key: key, app: app, version: m.ResourceVersion}
	} else if delete(w.known, id); known {
		w.leaves(id, time.Now())
	}
	w.mu.Unlock()
	s := reconcile.Sighting{Key: key, Version: m.ResourceVersion, Mark: drift.Fingerprint(m.ManagedFields, object.FieldManager), At: time.Now()}
	if known && !gap {
		s.Previous = old.version
	}
	if known && old.app != app {
		// Somebody changed the tracking id: its last owner must look, too.
		w.tracker.own(old.app, key, "")
		w.tracker.see(old.app, s)
	}
	if ok {
		w.tracker.own(app, key, w.gvk.Version)
		w.tracker.see(app, s)
	}
}

func (w *kindWatch) drop(id, version string) {
	w.mu.Lock()
	old, ok := w.known[id]
	delete(w.known, id)
	if ok {
		w.leaves(id, time.Now())
	}
	w.mu.Unlock()
	if !ok {
		return
	}
	w.tracker.own(old.app, old.key, "")
	w.tracker.see(old.app, reconcile.Sighting{Key: old.key, Version: version, Gone: true, At: time.Now()})
}

// own notes or, without a version, forgets an object of an application.
func (t *tracker) own(app string, key object.Key, version string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if version == "" {
		delete(t.owned[app], key)
		if len(t.owned[app]) == 0 {
			delete(t.owned, app)
		}
		return
	}
	if t.owned[app] == nil {
		t.owned[app] = map[object.Key]string{}
	}
	t.owned[app][key] = version
}
