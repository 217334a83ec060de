package reconcile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"strings"

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

// sameVersion reports contents of one API version.
func sameVersion(a, b string) bool {
	x, _, okX := strings.Cut(a, " ")
	y, _, okY := strings.Cut(b, " ")
	return okX && okY && x == y
}
