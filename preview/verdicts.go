package preview

import (
	"slices"
	"time"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/preview/risk"
)

// Live is what clusters say of a change: a second truth beside the one of Git,
// which it never alters, and only true at its time.
type Live struct {
	// Destinations are sorted by cluster.
	Destinations []Destination `json:"destinations"`
	// Risks are those that only clusters know of.
	Risks []risk.Finding `json:"risks"`
}

// Destination is what one cluster says.
type Destination struct {
	// Cluster is what applications call it: its name, or its server.
	Cluster string `json:"cluster"`
	// AsOf is when the last answer was had, or given up.
	AsOf time.Time `json:"asOf"`
	// Unknown is why the cluster did not answer, or not any more: then objects
	// may be missing from the list.
	Unknown string `json:"unknown,omitempty"`
	// Asked counts requests, LeftOut the objects that were not asked about:
	// there were too many, time was up, or the cluster fell silent.
	Asked   int `json:"asked"`
	LeftOut int `json:"leftOut,omitempty"`
	// Objects are sorted by application and key.
	Objects []Judged `json:"objects"`
}

// Verdict is what comes of a change in a cluster.
type Verdict string

// The closed set of verdicts, the gravest first.
const (
	// Rejected: a sync of the change fails at this object.
	Rejected Verdict = "rejected"
	// Recreate: the object would have to be deleted and made anew, which an
	// option of it asks for.
	Recreate Verdict = "recreate"
	// Overwrite: what somebody changed in the cluster is lost.
	Overwrite Verdict = "overwrite"
	// NotJudged: nobody could be asked; the reason says why.
	NotJudged Verdict = "not-judged"
	// Drifted: live differs from base where the change does not matter.
	Drifted Verdict = "drifted"
	// Altered: the cluster takes the change, and stores something else.
	Altered Verdict = "altered"
	// Kept: a deletion that the application's policy does not carry out.
	Kept Verdict = "kept"
	// Later: it needs what the change itself creates, and cannot be asked about
	// before.
	Later Verdict = "later"
	// AlreadySo: live is what head says, and the change has no effect there.
	AlreadySo Verdict = "already-so"
	// AsPredicted: the cluster takes the change, and nothing else happens.
	AsPredicted Verdict = "as-predicted"
)

// Verdicts lists all, the gravest first.
func Verdicts() []Verdict {
	return []Verdict{Rejected, Recreate, Overwrite, NotJudged, Drifted, Altered, Kept, Later, AlreadySo, AsPredicted}
}

// Grave reports a verdict that somebody should act on before the merge.
func (v Verdict) Grave() bool { return v == Rejected || v == Recreate || v == Overwrite }

// Cause is what kind of thing stands in the way.
type Cause string

// The closed set of causes.
const (
	ByValidation Cause = "validation"
	ByImmutable  Cause = "immutable"
	ByQuota      Cause = "quota"
	ByWebhook    Cause = "webhook"
	ByPolicy     Cause = "policy"
	// ByAdmission is a refusal by a built-in admission plugin, such as Pod
	// Security or limit ranges.
	ByAdmission  Cause = "admission"
	ByNamespace  Cause = "namespace"  // it is not there
	ByKind       Cause = "kind"       // the cluster does not serve it
	ByOwner      Cause = "owner"      // another application has the object
	ByPermission Cause = "permission" // whoever asks may not
	BySideEffect Cause = "sideEffect" // asking would do something
	ByFailure    Cause = "failure"    // the cluster could not answer
)

// Judged is the verdict on one object.
type Judged struct {
	AppNamespace string `json:"applicationNamespace,omitempty"`
	Application  string `json:"application"`
	Group        string `json:"group"`
	Kind         string `json:"kind"`
	Namespace    string `json:"namespace,omitempty"`
	Name         string `json:"name"`
	// Action is what the change does: a Rename is a Delete and a Create.
	Action  Action  `json:"action"`
	Verdict Verdict `json:"verdict"`
	Cause   Cause   `json:"cause,omitempty"`
	// By names who refuses: a webhook, a policy, a quota, an application.
	By string `json:"by,omitempty"`
	// Paths are the fields that it is about, where the cluster names them.
	Paths []string `json:"paths,omitempty"`
	// Reason is what the cluster says, in one line. Of Secrets it never holds
	// text that could quote a value.
	Reason string `json:"reason,omitempty"`
	// Missing: base has the object, and the cluster does not.
	Missing bool `json:"missing,omitempty"`
	// Manual: the application is not synced automatically, so that all this
	// happens once somebody syncs it.
	Manual bool `json:"manual,omitempty"`
	// Overwrites are live edits that are lost, Drifts the first few of Drifted
	// other differences between live and base.
	Overwrites []Edit `json:"overwrites,omitempty"`
	Drifts     []Edit `json:"drifts,omitempty"`
	Drifted    int    `json:"drifted,omitempty"`
	// More counts overwrites that are not listed.
	More int `json:"more,omitempty"`
	// Stored is what the cluster would make of head: Before is what head says,
	// After what would be stored, as by a webhook that mutates.
	Stored []Field `json:"stored,omitempty"`
}

// Key identifies the object.
func (j Judged) Key() object.Key {
	return object.Key{Group: j.Group, Kind: j.Kind, Namespace: j.Namespace, Name: j.Name}
}

// Edit is a live value that is not base's. Values of Secrets are marks, and
// those of objects that are not the application's are left out.
type Edit struct {
	Path string `json:"path"`
	Base any    `json:"base"`
	Head any    `json:"head"`
	Live any    `json:"live"`
	// Manager, Operation, Subresource and Time are those of the managedFields
	// entry that owns the live value; empty where none does.
	Manager     string     `json:"manager,omitempty"`
	Operation   string     `json:"operation,omitempty"`
	Subresource string     `json:"subresource,omitempty"`
	Time        *time.Time `json:"time,omitempty"`
	// FoundAt is when the agent first saw it, Audit who made it; both where the
	// agent knows.
	FoundAt *time.Time    `json:"foundAt,omitempty"`
	Audit   []audit.Actor `json:"audit,omitempty"`
	// Hidden: the live value is not shown, because the object is not the
	// application's.
	Hidden bool `json:"hidden,omitempty"`
	// Class is the one of drift: what live has and base does not is undeclared.
	Class drift.Class `json:"class"`
	// Touched: the change itself alters the field.
	Touched bool `json:"touched,omitempty"`
	// Stays: a sync of the change leaves it as it is.
	Stays bool `json:"stays,omitempty"`
}

// Count counts the objects of one verdict.
func (d Destination) Count(v Verdict) int {
	n := 0
	for _, o := range d.Objects {
		if o.Verdict == v {
			n++
		}
	}
	return n
}

// Unasked reports an object about which nobody could be asked, whatever else
// is known of it.
func (j Judged) Unasked() bool {
	return j.Cause == ByPermission || j.Cause == BySideEffect || j.Cause == ByFailure
}

// Complete reports a cluster that was asked about everything that could be
// asked.
func (d Destination) Complete() bool {
	return d.Unknown == "" && d.LeftOut == 0 && !slices.ContainsFunc(d.Objects, Judged.Unasked)
}

// Complete reports that every cluster was; nil, that nobody asked, is
// complete.
func (l *Live) Complete() bool {
	return l == nil || !slices.ContainsFunc(l.Destinations, func(d Destination) bool { return !d.Complete() })
}

// AllRisks are those of Git and those of clusters, the gravest first.
func (r Report) AllRisks() []risk.Finding {
	if r.Live == nil {
		return r.Risks
	}
	return risk.Sort(slices.Concat(r.Risks, r.Live.Risks))
}
