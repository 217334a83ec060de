package object

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// How an object says that trueup looks after it.
const (
	// TrackingAnnotation holds the tracking id on the object itself.
	TrackingAnnotation = "trueup.dev/tracking-id"
	// ManagedLabel lets one watch per kind see tracked objects only.
	ManagedLabel = "trueup.dev/managed"
	// FieldManager is our name in managedFields.
	FieldManager = "trueup"
)

// TrackingID names the application and the object:
// <app>:<group>/<Kind>:<namespace>/<name>.
func TrackingID(app string, k Key) string {
	return app + ":" + k.Group + "/" + k.Kind + ":" + k.Namespace + "/" + k.Name
}

// ParseTrackingID is the inverse of TrackingID.
func ParseTrackingID(id string) (app string, k Key, ok bool) {
	app, rest, ok := strings.Cut(id, ":")
	if !ok || app == "" {
		return "", Key{}, false
	}
	kind, name, ok := strings.Cut(rest, ":")
	if !ok {
		return "", Key{}, false
	}
	k.Group, k.Kind, ok = strings.Cut(kind, "/")
	if !ok || k.Kind == "" {
		return "", Key{}, false
	}
	k.Namespace, k.Name, ok = strings.Cut(name, "/")
	return app, k, ok && k.Name != ""
}

// OwnerOf returns the application that tracks u. An id that does not name u
// itself was copied there by a controller (ReplicaSets copy a Deployment's
// annotations) and does not count.
func OwnerOf(u *unstructured.Unstructured) (app string, ok bool) {
	return OwnerOfID(u.GetAnnotations()[TrackingAnnotation], KeyOf(u))
}

// OwnerOfID is OwnerOf for callers that hold only metadata.
func OwnerOfID(id string, k Key) (app string, ok bool) {
	app, named, ok := ParseTrackingID(id)
	if !ok || named != k {
		return "", false
	}
	return app, true
}

// Track marks u as app's. Pod templates and selectors are left alone, so that
// taking over a running workload restarts nothing.
func Track(u *unstructured.Unstructured, app string) {
	annotations := u.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[TrackingAnnotation] = TrackingID(app, KeyOf(u))
	u.SetAnnotations(annotations)
	labels := u.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[ManagedLabel] = "true"
	u.SetLabels(labels)
}
