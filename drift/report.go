package drift

import (
	"time"

	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/internal/object"
)

// State is the verdict on one object.
type State string

// The states of an object.
const (
	InSync   State = "InSync"   // a sync would change nothing
	Modified State = "Modified" // a declared or removed field differs
	Missing  State = "Missing"  // desired, not live
	Extra    State = "Extra"    // live and tracked, not desired
	Orphaned State = "Orphaned" // live in a destination namespace, tracked by nobody
	Unknown  State = "Unknown"  // it could not be compared; Reason says why
)

// Class says what a difference means.
type Class string

// The classes of a difference.
const (
	Declared   Class = "declared"
	Removed    Class = "removed"
	Undeclared Class = "undeclared"
	Expected   Class = "expected"
)

// Report lists every object that was compared, sorted by key.
type Report struct {
	Objects []Object `json:"objects"`
	// RuleNames are the rules of users, for those that hit nothing, and
	// RuleProblems what is wrong with some; both as far as the caller tells.
	RuleNames    []string `json:"-"`
	RuleProblems []string `json:"ruleProblems,omitempty"`
}

// Rules adds up what the rules of users did.
func (r Report) Rules() []ignore.Use {
	return ignore.Sum(r.RuleNames, func(yield func(string, ignore.Hit) bool) {
		for _, o := range r.Objects {
			for _, hit := range o.Rules {
				if !yield(o.Key().Short(), hit) {
					return
				}
			}
		}
	})
}

// Object is the verdict on one object. Fields is never nil, and sorted by path.
type Object struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	State     State  `json:"state"`
	// Reason says why the state is Unknown, or why nobody could be asked about
	// a difference that is in doubt.
	Reason string  `json:"reason,omitempty"`
	Fields []Field `json:"fields"`
	// Origin is the file and the line that describe it in Git, such as
	// apps/web.yaml:31, as far as the caller tells.
	Origin string `json:"origin,omitempty"`
	// Rules tells what the rules of users did that select the object.
	Rules []ignore.Hit `json:"rules,omitempty"`
}

// Key identifies the object.
func (o Object) Key() object.Key {
	return object.Key{Group: o.Group, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
}

// Field is one difference. Values of Secrets are masked; they may share memory
// with the compared objects otherwise.
type Field struct {
	Path    string `json:"path"`
	Desired any    `json:"desired"` // nil: not in Git
	Live    any    `json:"live"`    // nil: not in the cluster
	Class   Class  `json:"class"`
	// Manager, Operation and Time are those of the managedFields entry that
	// owns the live value; empty when none does.
	Manager   string     `json:"manager"`
	Operation string     `json:"operation"`
	Time      *time.Time `json:"time"`
	// Rule names what explains an expected difference.
	Rule string `json:"rule,omitempty"`
	// Subresource is the one through which the manager wrote.
	Subresource string `json:"-"`
	// Atomic says that the value is part of one that has one owner only.
	Atomic bool `json:"-"`
	// Held says that our Apply entry still owns the place: nobody else has
	// written there since we applied, so that a value which differs is what the
	// server made of ours, or what Git has changed since.
	Held bool `json:"-"`
}

// ToSync reports a difference that a sync takes away.
func (f Field) ToSync() bool { return f.Class == Declared || f.Class == Removed }

func newObject(key object.Key, state State) Object {
	return Object{Group: key.Group, Kind: key.Kind, Namespace: key.Namespace, Name: key.Name, State: state, Fields: []Field{}}
}
