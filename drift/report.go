package drift

import (
	"fmt"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/drift/origin"
	"github.com/trueup-dev/trueup/drift/ownership"
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
	// Unblamed tells why it is not known who declared some values, where
	// somebody asked for that.
	Unblamed []string `json:"unblamed,omitempty"`
	// Unowned are the objects whose live version comes without managedFields:
	// what only live has is told of them in part at most.
	Unowned []string `json:"unowned,omitempty"`
}

// Note says of what live does not tell enough; empty where it does.
func (r Report) Note() string {
	const listed = 3
	n := len(r.Unowned)
	if n == 0 {
		return ""
	}
	names := strings.Join(r.Unowned[:min(n, listed)], ", ")
	if n > listed {
		names += fmt.Sprintf(" and %d more", n-listed)
	}
	return "without managedFields it cannot be told what somebody added to " + names + "; kubectl get shows them with --show-managed-fields"
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
	// Audit tells who deleted an object that is Missing, as Field.Audit does.
	Audit []audit.Actor `json:"audit,omitempty"`
	// Declared is where the object is described, as far as the caller tells.
	Declared *Declaration `json:"declared,omitempty"`
	// Rules tells what the rules of users did that select the object.
	Rules []ignore.Hit `json:"rules,omitempty"`
}

// NewOrphan tells of an object that nobody tracks.
func NewOrphan(key object.Key) Object { return newObject(key, Orphaned) }

// Key identifies the object.
func (o Object) Key() object.Key {
	return object.Key{Group: o.Group, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
}

// Declaration is where Git declares a value, and who touched that last.
type Declaration = origin.Declaration

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
	// Subresource is the one through which the manager wrote, such as scale.
	Subresource string `json:"subresource,omitempty"`
	// Audit are those one of whom made the difference, as audit events tell:
	// one alone made it. Compare leaves it empty, and Trace as well.
	Audit []audit.Actor `json:"audit,omitempty"`
	// Trace is what is known of a value that has no owner: a removed one.
	Trace *ownership.Trace `json:"trace,omitempty"`
	// Declared is where Git declares the desired value, as far as the caller
	// tells.
	Declared *Declaration `json:"declared,omitempty"`
	// Atomic says that the value is part of one that has one owner only.
	Atomic bool `json:"-"`
	// Shared names a known controller that owns a part of an undeclared value.
	Shared string `json:"-"`
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
