package history

import (
	"context"
	"time"

	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/drift/ownership"
)

// Run is one sync that ended.
type Run struct {
	// ID is given by the store. It grows with time, over all applications.
	ID int64 `json:"id"`
	// App is namespace/name.
	App      string    `json:"application"`
	Repo     string    `json:"repoURL"`
	Revision string    `json:"revision"` // in full
	Subject  string    `json:"subject,omitempty"`
	Author   string    `json:"author,omitempty"`
	Started  time.Time `json:"startedAt,omitzero"`
	Finished time.Time `json:"finishedAt"`
	// Phase is Succeeded, Failed or Running: what an operation's phase is.
	Phase   string `json:"phase"`
	Message string `json:"message,omitempty"`
	// Reason is why it started; Initiator who asked, empty where nobody did.
	Reason    string   `json:"reason,omitempty"`
	Initiator string   `json:"initiator,omitempty"`
	Automated bool     `json:"automated,omitempty"`
	DryRun    bool     `json:"dryRun,omitempty"`
	Changes   []Change `json:"changes"`
}

// Change is what a run did to one object.
type Change struct {
	Object
	Action  string `json:"action"` // create, update, prune
	Status  string `json:"status"` // as in the operation's resources
	Message string `json:"message,omitempty"`
}

// Object names an object.
type Object struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// Drift is a difference that appeared, or went.
type Drift struct {
	ID  int64     `json:"id"`
	App string    `json:"application"` // namespace/name
	At  time.Time `json:"at"`
	Object
	// State is the object's: Modified, Missing or Extra; empty where the
	// difference is gone.
	State string `json:"state,omitempty"`
	// Path is the field's; empty where the object as a whole differs.
	Path string `json:"path,omitempty"`
	// Desired and Live are JSON, secrets masked; empty where there is no value.
	Desired string `json:"desired,omitempty"`
	Live    string `json:"live,omitempty"`
	// Manager, Operation and Since are those of the hand that made it.
	Manager   string     `json:"manager,omitempty"`
	Operation string     `json:"operation,omitempty"`
	Since     *time.Time `json:"since,omitempty"`
	// Subresource is the one through which it wrote, such as scale.
	Subresource string `json:"subresource,omitempty"`
	// Audit are those one of whom made it, as far as audit events told by then.
	Audit []audit.Actor `json:"audit,omitempty"`
	// Trace is what is known of a value that has no owner.
	Trace *ownership.Trace `json:"trace,omitempty"`
	// Cleared says that the difference is gone.
	Cleared bool `json:"cleared,omitempty"`
	// Moment is opened, changed, closed, or blamed: who made it became known.
	Moment string `json:"moment,omitempty"`
	// How it was closed: synced, reverted, adopted, accepted, expected, git,
	// undone or deleted;
	// and By whom, as far as that is known.
	How string `json:"how,omitempty"`
	By  string `json:"by,omitempty"`
	// FoundAt is when it was opened.
	FoundAt *time.Time `json:"foundAt,omitempty"`
}

// Query picks entries of one application, the newest first.
type Query struct {
	// App is namespace/name; of drift, namespace/* is every application there.
	App string
	// Before continues a list: ids lower than it. 0 starts with the newest.
	Before int64
	// Limit bounds the entries; below 1 it is DefaultLimit, and above MaxLimit
	// it is MaxLimit.
	Limit int

	// Of drift: only what is of this kind (in any case of letters), has this
	// name, is this path or below it, was made by this manager, and happened
	// then or later. What is empty picks everything.
	Kind, Name, Path, Manager string
	// User is one of those who may have made it.
	User  string
	Since time.Time
}

// Limits of a query.
const (
	DefaultLimit = 50
	MaxLimit     = 1000
)

// Bounded returns the limit that counts.
func (q Query) Bounded() int {
	if q.Limit < 1 {
		return DefaultLimit
	}
	return min(q.Limit, MaxLimit)
}

// Reader answers questions. An application that is not known has no entries.
type Reader interface {
	Runs(ctx context.Context, q Query) ([]Run, error)
	Drifts(ctx context.Context, q Query) ([]Drift, error)
}

// Store remembers. Times are kept to the millisecond, in UTC. It may be used
// by many goroutines.
type Store interface {
	Reader
	AddRun(ctx context.Context, run Run) error
	// AddDrift remembers all of them or none.
	AddDrift(ctx context.Context, drifts []Drift) error
	// Trim forgets what ended, or happened, before then.
	Trim(ctx context.Context, before time.Time) error
}
