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
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile"
)

// tracker watches tracked objects, one watch per kind, and knows which
// application each of them belongs to. Of kinds without a status it watches
// the metadata alone.
type tracker struct {
	client metadata.Interface
	whole  dynamic.Interface
	see    func(app string, s reconcile.Sighting)
	stop   context.CancelFunc
	ctx    context.Context //nolint:containedctx // the watches' life is the tracker's, not a caller's
	all    sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	watches map[schema.GroupVersionResource]*kindWatch
	owned   map[string]map[object.Key]string // app -> object -> API version
}

func newTracker(client metadata.Interface, whole dynamic.Interface, see func(string, reconcile.Sighting)) *tracker {
	ctx, stop := context.WithCancel(context.Background())
	return &tracker{client: client, whole: whole, see: see, ctx: ctx, stop: stop,
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

// kinds lists the watches.
func (t *tracker) kinds() []*kindWatch {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Values(t.watches))
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
	refused := w.refused
	for {
		select {
		case <-w.synced:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("watch %s: %w", mapping.Resource.Resource, classify(cmp.Or(w.failure(), ctx.Err())))
		case <-refused: // it tries again by itself; until then nothing is known
			if err := w.failure(); err != nil {
				return fmt.Errorf("watch %s: %w", mapping.Resource.Resource, classify(err))
			}
			refused = nil // an earlier attempt failed, and the last one did not
		}
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
	lister, expected := w.metadata()
	if reconcile.WatchedWhole(gvk.GroupKind()) {
		lister, expected = w.objects()
	}
	reflector := cache.NewReflectorWithOptions(lister, expected, w, cache.ReflectorOptions{
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

	mu     sync.Mutex
	isOpen bool
	// err is why the watch does not work, broken since when, and asked whether
	// anybody was let know who waits for the first list.
	err    error
	broken time.Time
	asked  bool
	known  map[string]tracked // by namespace/name
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

// metadata lists and watches no more than the metadata of objects.
func (w *kindWatch) metadata() (cache.ListerWatcher, runtime.Object) {
	resource := w.tracker.client.Resource(w.gvr)
	list := func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return resource.List(ctx, o) }
	return w.lister(list, resource.Watch), &metav1.PartialObjectMetadata{}
}

// objects lists and watches whole objects.
func (w *kindWatch) objects() (cache.ListerWatcher, runtime.Object) {
	resource := w.tracker.whole.Resource(w.gvr)
	list := func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return resource.List(ctx, o) }
	expected := &unstructured.Unstructured{}
	expected.SetGroupVersionKind(w.gvk)
	return w.lister(list, resource.Watch), expected
}

func (w *kindWatch) lister(list cache.ListWithContextFunc, stream cache.WatchFuncWithContext) cache.ListerWatcher {
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = selector
			found, err := list(ctx, o)
			if err != nil { // what is found is yet to be taken in
				w.tried(ctx, err)
			}
			return found, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = selector
			events, err := stream(ctx, o)
			// A stream that is to begin with a list has yet to tell one.
			if err != nil || o.SendInitialEvents == nil || !*o.SendInitialEvents {
				w.tried(ctx, err)
			}
			return events, err
		},
	}
}

// Add, Update, Delete, Replace and Resync implement cache.ReflectorStore.
func (w *kindWatch) Add(o any) error { w.put(o, false); return nil }

// Update implements cache.ReflectorStore.
func (w *kindWatch) Update(o any) error { w.put(o, false); return nil }

// Resync implements cache.ReflectorStore.
func (w *kindWatch) Resync() error { return nil }

// Delete implements cache.ReflectorStore.
func (w *kindWatch) Delete(o any) error {
	if m, ok := o.(metav1.Object); ok {
		w.drop(m.GetNamespace()+"/"+m.GetName(), m.GetResourceVersion())
	}
	return nil
}

// Replace implements cache.ReflectorStore: after a list, what is not in it
// any more is gone.
func (w *kindWatch) Replace(list []any, _ string) error {
	present := map[string]bool{}
	for _, o := range list {
		if m, ok := o.(metav1.Object); ok {
			present[m.GetNamespace()+"/"+m.GetName()] = true
			w.put(m, true)
		}
	}
	w.keep(present)
	w.tried(w.tracker.ctx, nil)
	w.mu.Lock()
	first := !w.isOpen
	w.isOpen = true
	w.mu.Unlock()
	if first {
		close(w.synced)
	}
	return nil
}

// keep drops all objects but these.
func (w *kindWatch) keep(present map[string]bool) {
	w.mu.Lock()
	var gone []string
	for id := range w.known {
		if !present[id] {
			gone = append(gone, id)
		}
	}
	w.mu.Unlock()
	for _, id := range gone {
		w.drop(id, "")
	}
}

// put takes in a version of an object; gap says that others may have been
// between it and the last one.
func (w *kindWatch) put(o any, gap bool) {
	m, ok := o.(metav1.Object)
	if !ok {
		return
	}
	key := object.Key{Group: w.gvk.Group, Kind: w.gvk.Kind, Namespace: m.GetNamespace(), Name: m.GetName()}
	app, ok := object.OwnerOfID(m.GetAnnotations()[object.TrackingAnnotation], key)
	id := key.Namespace + "/" + key.Name
	version := m.GetResourceVersion()
	w.mu.Lock()
	old, known := w.known[id]
	if known && old.version == version && (old.app == app || !ok) {
		w.mu.Unlock()
		return
	}
	lost := !ok && known
	if lost {
		// Somebody took the tracking id away: its last owner still has to know
		// what happens to the object.
		app = old.app
	}
	if ok || lost {
		w.known[id] = tracked{key: key, app: app, version: version}
	}
	w.mu.Unlock()
	if !ok && !known {
		return // a copy that carries somebody's labels
	}
	s := sighting(key, m)
	if s.At = time.Now(); known && !gap {
		s.Previous = old.version
	}
	if known && old.app != app {
		// Somebody changed the tracking id: its last owner must look, too.
		w.tracker.disown(old.app, key, w.gvk.Version)
		w.tracker.see(old.app, s)
	}
	if lost {
		w.tracker.disown(app, key, w.gvk.Version)
	} else {
		w.tracker.own(app, key, w.gvk.Version)
	}
	w.tracker.see(app, s)
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
	w.tracker.disown(old.app, old.key, w.gvk.Version)
	w.tracker.see(old.app, reconcile.Sighting{Key: old.key, Version: version, Gone: true, At: time.Now()})
}

func sighting(key object.Key, m metav1.Object) reconcile.Sighting {
	if u, ok := m.(*unstructured.Unstructured); ok {
		return reconcile.WholeSightingOf(key, u)
	}
	return reconcile.SightingOf(key, m)
}

// own notes an object of an application.
func (t *tracker) own(app string, key object.Key, version string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.owned[app] == nil {
		t.owned[app] = map[object.Key]string{}
	}
	t.owned[app][key] = version
}

// disown forgets an object, unless the watch of another version knows it.
func (t *tracker) disown(app string, key object.Key, version string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.owned[app][key] != version {
		return
	}
	delete(t.owned[app], key)
	if len(t.owned[app]) == 0 {
		delete(t.owned, app)
	}
}
