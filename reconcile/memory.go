package reconcile

import (
	"slices"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/health"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile/doubt"
)

// Memory is what is remembered of one application between two looks: enough
// to fetch nothing while nothing happens. Losing it costs one look at
// everything. The zero value is ready.
type Memory struct {
	mu sync.Mutex
	// seen are the verdicts, inbox the objects that something happened to
	// since.
	seen  map[object.Key]seen
	inbox map[object.Key]Sighting
	// asked is what the last rendering depended on, and stand where each of its
	// trees was last seen to give the same answers.
	asked []asked
	stand []standing
	named []string // repositories that files name
	// blind: what the objects depend on is not known. The last look failed
	// before it had asked everything, or one is under way and still asking.
	blind bool
	// busy: a look is under way, and may yet remember what it read before the
	// last sighting.
	busy bool
	// tells is the connection that tells of what was seen.
	tells connection

	// What follows belongs to the one flow that runs at a time.
	attempt   Attempt
	restored  bool
	operation *v1alpha1.Operation // the one whose waves are not done yet
	failures  int                 // looks in a row that failed
	reverted  Attempt             // the last time that only drift was put back
	fights    fights              // what keeps coming back
	namespace string              // the destination namespace known to exist
	rules     rulebook            // the application's own, compiled
	verified  time.Time           // when everything was last fetched
	vague     int                 // looks in a row that could not compare something
	open      map[place]open      // drift that was told and not closed
	closed    []closed            // drift that went before anybody could tell who made it
	late      []DriftEvent        // what became known of it, and is not told yet
	audited   bool                // audit events were asked for
	scalersAt time.Time           // when autoscalers of others were last asked for, while that matters
	orphans   orphans             // what is in the namespace and nobody's
	// orphansAsked is what orphans is the answer to.
	orphansAsked string
	answers      map[object.Key]doubt.Answer
}

// seen is the verdict on one object.
type seen struct {
	desired string // hash of the desired object, empty for what is not desired
	again   bool   // it must be read again at the next look
	version string // resourceVersion that the verdict is about
	mark    drift.Mark
	content string // as contentOf tells it, empty where only metadata are watched
	verdict drift.Object
	usurped usurped
	health  health.Result
	// live is the object's identity and metadata, nil where there is none.
	live *unstructured.Unstructured
	// at is when its version was first seen; trail what was seen of it since,
	// and window what lies between the last verdict and this one.
	at     time.Time
	trail  *trail
	window *window
	// scaler is the whole of an autoscaler: it explains what others have.
	scaler *unstructured.Unstructured
	// apply takes the desired object's place in a sync, where rules have live
	// values respected.
	apply *unstructured.Unstructured
}

// Urgency is how soon an application must be looked at.
type Urgency int

// The closed set of urgencies. What only changed its status is not urgent: a
// workload that comes up changes it several times in a row.
const (
	Never Urgency = iota
	Soon
	Now
)

// Notice takes a sighting in, and tells how soon the application must be
// looked at because of it. It may be called at any time.
func (m *Memory) Notice(s Sighting) Urgency {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, known := m.seen[s.Key]
	outdated := known && old.outdated(s) || !known && !s.Gone
	// A look under way may be about to remember something older than this.
	overtaken := m.busy && !old.otherForm(s) && (s.Gone || newer(s.Version, old.version))
	m.follow(s)
	if !outdated && !old.moved(s) && !overtaken {
		return Never
	}
	// What is not known is an object of an earlier life, or one that the
	// running sync has just made and will remember in a moment: then stale
	// finds nothing new in it.
	if m.inbox == nil {
		m.inbox = map[object.Key]Sighting{}
	}
	if last, ok := m.inbox[s.Key]; !ok || s.Gone || last.Gone || !newer(last.Version, s.Version) {
		m.inbox[s.Key] = s
	}
	if outdated {
		return Now
	}
	return Soon
}

// looks notes that a look begins: what it is going to depend on is not known.
func (m *Memory) looks() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blind, m.busy = true, true
}

// rests notes that a look has ended.
func (m *Memory) rests() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy = false
}

// maxNamed bounds what an application that keeps failing in new ways adds up.
const maxNamed = 256

// name remembers the repositories that files of an application name. Where
// rendering failed it did not get to all of them, so that those known before
// stay.
func (m *Memory) name(d *Desired, complete bool) {
	if d == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if complete || len(m.named) > maxNamed {
		m.named = nil
	}
	for _, url := range d.named {
		if !slices.Contains(m.named, url) {
			m.named = append(m.named, url)
		}
	}
}

func (m *Memory) lastNamed() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.named)
}

// ask remembers what the last rendering depended on.
func (m *Memory) ask(d *Desired) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked, m.stand, m.blind = d.asked, d.stand, false
}

// lastAsked is what the last rendering depended on, where its trees stand, and
// whether that is all.
func (m *Memory) lastAsked() (all []asked, stand []standing, complete bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked, m.stand, !m.blind && len(m.asked) > 0
}

// stands remembers where the trees stand that were asked, unless others were
// asked since.
func (m *Memory) stands(asked []asked, stand []standing) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.blind && len(m.asked) == len(asked) && &m.asked[0] == &asked[0] {
		m.stand = stand
	}
}

// Recheck has everything fetched again at the next look. What was seen is
// kept until then: what came since is told from it.
func (m *Memory) Recheck() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, s := range m.seen {
		s.again = true
		m.seen[key] = s
	}
	m.namespace = ""
	m.orphansAsked = ""
}

// Verified is when everything was last fetched and compared.
func (m *Memory) Verified() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.verified
}

func (m *Memory) verify(at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.verified = at
}

// newer compares resource versions, which are numbers that grow. Where one is
// something else, any other value counts as newer.
func newer(a, b string) bool {
	x, errX := strconv.ParseUint(a, 10, 64)
	y, errY := strconv.ParseUint(b, 10, 64)
	if errX != nil || errY != nil {
		return a != b
	}
	return x > y
}

// remember stores a verdict. live is the whole object; what is not needed of
// it is not kept.
func (m *Memory) remember(s seen, live *unstructured.Unstructured) {
	s.health = health.Of(live)
	if live != nil {
		s.scaler = scalerOf(live)
		s.version = live.GetResourceVersion()
		s.mark = drift.Fingerprint(live.GetManagedFields(), object.FieldManager)
		s.live = metadataOf(live)
		if WatchedWhole(s.verdict.Key().GroupKind()) {
			s.content = contentOf(live)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s.arrived(m.seen[s.verdict.Key()])
	if m.seen == nil {
		m.seen = map[object.Key]seen{}
	}
	m.seen[s.verdict.Key()] = s
}

// stale empties the inbox and returns the objects whose verdict does not
// count any more.
func (m *Memory) stale(hashes map[object.Key]string) []object.Key {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []object.Key
	for key, hash := range hashes {
		s, ok := m.seen[key]
		sighting, noticed := m.inbox[key]
		if !ok || s.again || s.desired != hash || noticed && s.outdated(sighting) {
			out = append(out, key)
			continue
		}
		if noticed {
			m.seen[key] = s.hold(sighting)
		}
	}
	m.inbox = nil
	return out
}

// keep forgets every object but these.
func (m *Memory) keep(hashes map[object.Key]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key := range m.seen {
		if _, ok := hashes[key]; !ok {
			delete(m.seen, key)
			delete(m.answers, key)
		}
	}
}

// forget drops verdicts: nobody has anything to do with the objects any more.
func (m *Memory) forget(keys []object.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range keys {
		delete(m.seen, key)
	}
}

func (m *Memory) snapshot() map[object.Key]seen {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[object.Key]seen, len(m.seen))
	for key, s := range m.seen {
		out[key] = s
	}
	return out
}

// metadataOf keeps what plans read off a live object.
func metadataOf(live *unstructured.Unstructured) *unstructured.Unstructured {
	out := &unstructured.Unstructured{Object: map[string]any{}}
	out.SetAPIVersion(live.GetAPIVersion())
	out.SetKind(live.GetKind())
	out.SetNamespace(live.GetNamespace())
	out.SetName(live.GetName())
	out.SetUID(live.GetUID())
	out.SetDeletionTimestamp(live.GetDeletionTimestamp())
	out.SetLabels(live.GetLabels())
	annotations := live.GetAnnotations()
	delete(annotations, "kubectl.kubernetes.io/last-applied-configuration") // as large as the object
	out.SetAnnotations(annotations)
	return out
}

// distrust has objects read again at the next look; until then their last
// verdicts stand.
func (m *Memory) distrust(keys ...object.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range keys {
		if s, ok := m.seen[key]; ok {
			s.again = true
			m.seen[key] = s
		}
	}
}

// resume reads from the status what an earlier process did, so that a
// restart neither repeats a failure at once nor undoes what a person changed
// on purpose.
func (m *Memory) resume(app *v1alpha1.Application, d *Desired) {
	m.failures = 0
	if m.restored {
		return
	}
	m.restored = true
	state := app.Status.OperationState
	if state == nil || state.SyncResult == nil || state.SyncResult.Digest != d.Digest {
		return
	}
	if state.SyncResult.Drifted {
		m.attempt = Attempt{Revision: d.Digest, At: state.StartedAt.Time}
		return
	}
	m.attempt = Attempt{Revision: d.Digest, At: state.StartedAt.Time, Failed: state.Phase == phaseFailed, Unfinished: state.Phase == phaseRunning}
	if m.attempt.Failed {
		m.attempt.Count = 1
	}
}
