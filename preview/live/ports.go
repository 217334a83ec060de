package live

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/object"
)

// Clusters finds destinations.
type Clusters interface {
	// Rehearse returns a cluster that answers. The error says why there is
	// none, or that it is silent.
	Rehearse(ctx context.Context, to v1alpha1.ApplicationDestination) (Cluster, error)
}

// Cluster is a destination that can be asked, as a set of ports.
type Cluster struct {
	Objects Objects
	Kinds   Kinds
	Trials  Trials
	// Schemas know the structure of kinds; nil has it guessed.
	Schemas drift.Schemas
}

// Objects reads live objects.
type Objects interface {
	// Get reads one object; one that is not there is a fault.Missing. A failure
	// that says nothing about other objects is a reconcile.Answered, or another
	// kind than fault.Transient.
	Get(ctx context.Context, gvk schema.GroupVersionKind, key object.Key) (*unstructured.Unstructured, error)
}

// Kinds answers what a cluster serves.
type Kinds interface {
	// Namespaced tells the scope of a kind; one that is not served is a
	// fault.Missing.
	Namespaced(ctx context.Context, gvk schema.GroupVersionKind) (bool, error)
}

// Trials has a cluster rehearse requests: everything happens but the change.
// An Unsafe error says that a request was not made, because it could do
// something all the same; any other that the server did not answer it.
type Trials interface {
	// Apply rehearses a server-side apply as our manager, which takes over what
	// others own.
	Apply(ctx context.Context, u *unstructured.Unstructured) (Answer, error)
	// Delete rehearses the deletion of the object with this UID.
	Delete(ctx context.Context, gvk schema.GroupVersionKind, key object.Key, uid string) (Answer, error)
}

// Answer is what a cluster says.
type Answer struct {
	// Stored is the object as it would be stored; nil after a deletion.
	Stored *unstructured.Unstructured
	// Refused is why there is none; nil where there is.
	Refused *metav1.Status
}

// Unsafe says why a request was not made.
type Unsafe struct{ Reason string }

func (u *Unsafe) Error() string { return u.Reason }

// Known is what an agent found out about drift.
type Known interface {
	// Changes lists the open drift of an application; none of one that is not
	// known.
	Changes(ctx context.Context, namespace, name string) ([]v1alpha1.DriftChange, error)
}
