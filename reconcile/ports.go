package reconcile

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/drift/orphan"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/reconcile/apply"
)

// Sources opens repositories.
type Sources interface {
	Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error)
}

// Rules finds the rules about differences that hold for every application.
type Rules interface {
	// Rules returns those that are well formed, and what is wrong with others.
	Rules(ctx context.Context) (*ignore.Set, []ignore.Problem, error)
}

// Renderer turns a tree into the objects it describes. What it returns is the
// caller's to change.
type Renderer interface {
	Render(ctx context.Context, req render.Request) (render.Result, error)
}

// Clusters finds the cluster an application goes to.
type Clusters interface {
	// Cluster returns the same one for as long as its watches go on without a
	// gap. Another one has all its objects read again.
	Cluster(ctx context.Context, d v1alpha1.ApplicationDestination) (*Cluster, error)
}

// Projects finds projects.
type Projects interface {
	// Project reads one; one that is not there is a fault.Missing.
	Project(ctx context.Context, name string) (*v1alpha1.Project, error)
	// MayRead refuses a repository whose credentials are another project's.
	MayRead(ctx context.Context, project, repoURL string) error
}

// Cluster is a destination, as a set of ports.
type Cluster struct {
	Name    string
	Server  string
	Writer  apply.Writer
	Objects Objects
	Kinds   Kinds
	// Schemas know the structure of the kinds that the cluster serves.
	Schemas drift.Schemas
	// Trials may be nil: then nobody is asked about what is in doubt.
	Trials Trials
	// Contents may be nil: then nothing is known of what nobody tracks.
	Contents Contents
}

// Contents tells what namespaces hold.
type Contents interface {
	// Contents lists the metadata of all objects of a namespace, but of the
	// kinds that orphan.Skips. What could not be listed is told in sentences.
	Contents(ctx context.Context, namespace string) (all []orphan.Object, skipped []string, err error)
}

// Objects reads live objects.
type Objects interface {
	// Get reads one object; one that is not there is a fault.Missing. A failure
	// that says nothing about other objects is an Answered, or another kind than
	// fault.Transient.
	Get(ctx context.Context, gvk schema.GroupVersionKind, key object.Key) (*unstructured.Unstructured, error)
	// List lists the objects of a kind in a namespace, or in all where that is
	// empty. More of them than most are a fault.Invalid, a kind that is not
	// served is a fault.Missing.
	List(ctx context.Context, gvk schema.GroupVersionKind, namespace string, most int) ([]*unstructured.Unstructured, error)
	// Owned lists what is tracked for an application among all kinds that
	// anybody named so far, these ones included. It returns when the kinds
	// are watched, so that nothing is overlooked. Where only some kinds cannot
	// be, it returns what it has, and an Unwatched for each of these, joined.
	Owned(ctx context.Context, app string, kinds []schema.GroupVersionKind) ([]Owned, error)
}

// Owned is a tracked object.
type Owned struct {
	Key     object.Key
	Version string
}

// Kinds answers what a cluster serves.
type Kinds interface {
	// Namespaced tells the scope of a kind; one that is not served is a
	// fault.Missing.
	Namespaced(ctx context.Context, gvk schema.GroupVersionKind) (bool, error)
	Capabilities(ctx context.Context) (render.Capabilities, error)
}

// Journal is told what happens, for later questions.
type Journal interface {
	// Intend is told what a sync is about to create, before it does.
	Intend(ctx context.Context, app *v1alpha1.Application, status v1alpha1.ApplicationStatus) error
	// Record is told of a sync that ended, or whose next wave waits: its phase
	// is Running then.
	Record(ctx context.Context, run Run) error
	// Drifted is told when drift appears or goes.
	Drifted(ctx context.Context, events []DriftEvent) error
}

// Audit knows which requests clusters were sent.
type Audit interface {
	// Writes lists the requests on objects of a cluster that audit events told
	// of. From then on it has the application, by its tracking id, looked at
	// when it is told of another one; the keys replace those of the last call.
	Writes(ctx context.Context, app string, c *Cluster, keys []object.Key) map[object.Key][]audit.Event
}

// Run is one sync.
type Run struct {
	App       string // namespace/name
	Commit    snapshot.Commit
	Initiator v1alpha1.OperationInitiator
	Started   time.Time
	Finished  time.Time
	Phase     string
	Message   string
	Reason    string
	// Drifted says that only what somebody else changed was put back.
	Drifted bool
	Result  apply.Result
}
