package reconcile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/health"
	"github.com/trueup-dev/trueup/internal/object"
)

// Sighting is what a watch tells of one object.
type Sighting struct {
	Key     object.Key
	Version string
	Mark    drift.Mark
	// Gone: deleted, or no longer marked as ours.
	Gone bool
	// Previous is the version that the watch told of before; empty where it may
	// have missed one. At is when it told of this one.
	Previous string
	At       time.Time
	// Content stands for the object without its status, and Health for the
	// status. Both are empty where only the metadata is watched.
	Content string
	Health  *health.Result
}

// SightingOf reads the metadata of an object.
func SightingOf(key object.Key, m metav1.Object) Sighting {
	return Sighting{Key: key, Version: m.GetResourceVersion(), Mark: drift.Fingerprint(m.GetManagedFields(), object.FieldManager)}
}

// WholeSightingOf reads a whole object, of which nothing is kept.
func WholeSightingOf(key object.Key, u *unstructured.Unstructured) Sighting {
	s, result := SightingOf(key, u), health.Of(u)
	s.Content, s.Health = contentOf(u), &result
	return s
}

// WatchedWhole reports kinds of which the whole object is watched, not the
// metadata alone: those with a status. A status moves without anybody's hand,
// and metadata tell neither what it says nor that nothing else has changed, so
// that each heartbeat would have the object read. What has no status changes
// only by somebody's hand, and is read whenever it does.
func WatchedWhole(gk schema.GroupKind) bool {
	switch gk.Group + "/" + gk.Kind {
	case "/ConfigMap", "/Secret", "/ServiceAccount", "/LimitRange", "/Endpoints",
		"rbac.authorization.k8s.io/Role", "rbac.authorization.k8s.io/RoleBinding",
		"rbac.authorization.k8s.io/ClusterRole", "rbac.authorization.k8s.io/ClusterRoleBinding",
		"networking.k8s.io/NetworkPolicy", "networking.k8s.io/IngressClass",
		"scheduling.k8s.io/PriorityClass", "storage.k8s.io/StorageClass", "coordination.k8s.io/Lease",
		"admissionregistration.k8s.io/ValidatingWebhookConfiguration",
		"admissionregistration.k8s.io/MutatingWebhookConfiguration":
		return false
	}
	return true
}

// contentOf stands for all of an object but its status and the books that the
// server keeps of it. It begins with the API version: another version shows
// the same object in another form.
func contentOf(u *unstructured.Unstructured) string {
	all := maps.Clone(u.Object)
	delete(all, "status")
	if metadata, ok := all["metadata"].(map[string]any); ok {
		metadata = maps.Clone(metadata)
		for _, books := range []string{"resourceVersion", "managedFields", "generation"} {
			delete(metadata, books)
		}
		all["metadata"] = metadata
	}
	text, err := json.Marshal(all)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return u.GetAPIVersion() + " " + hex.EncodeToString(sum[:])
}

// outdated reports whether a sighting says that the verdict may be wrong.
func (s seen) outdated(by Sighting) bool {
	switch {
	case by.Gone:
		return s.live != nil
	case !newer(by.Version, s.version):
		return false
	case by.Content == "" || s.content == "" || by.Mark.Suspicious(s.mark):
		return true
	}
	return !s.otherForm(by) && by.Content != s.content
}

// otherForm reports a sighting of the object as another API version shows it:
// its content and health do not compare with what was seen. The watch of the
// version that was read tells of the same change.
func (s seen) otherForm(by Sighting) bool {
	mine, _, known := strings.Cut(s.content, " ")
	other, _, told := strings.Cut(by.Content, " ")
	return known && told && mine != other
}

// moved reports whether a sighting tells of another health. That of what could
// not be compared is not known, and waits for the next look.
func (s seen) moved(by Sighting) bool {
	if by.Health == nil || s.live == nil || s.verdict.State == drift.Unknown || s.otherForm(by) {
		return false
	}
	return newer(by.Version, s.version) && *by.Health != s.health
}

// hold has the verdict stand for what a sighting tells of, which is not
// outdated by it.
func (s seen) hold(by Sighting) seen {
	if by.Gone || s.live == nil || s.otherForm(by) || !newer(by.Version, s.version) {
		return s
	}
	if by.Health != nil && s.verdict.State != drift.Unknown {
		s.health = *by.Health
	}
	s.version, s.mark, s.at, s.trail = by.Version, by.Mark, by.At, nil
	return s
}
