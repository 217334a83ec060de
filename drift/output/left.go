package output

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/object"
)

// unsynced adds the objects that are out of sync though no hand is known to
// have changed them. What a sync has dealt with, and left, differs from Git.
// The rest waits for a sync, and is only counted. Where the status does not
// list all drift, nothing tells the two apart.
func (a *Application) unsynced(app *v1alpha1.Application) {
	if a.Unlisted > 0 || a.Drift == nil || app.Status.Sync.Status != v1alpha1.SyncStatusCodeOutOfSync {
		return
	}
	dealt := dealtWith(app)
	told := map[object.Key]bool{}
	for _, o := range a.Objects {
		told[o.Key()] = true
	}
	for _, f := range a.Drift.Fights {
		told[object.Key{Group: f.Group, Kind: f.Kind, Namespace: f.Namespace, Name: f.Name}] = true
	}
	for _, r := range app.Status.Resources {
		key := object.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
		if told[key] || r.Status != v1alpha1.SyncStatusCodeOutOfSync {
			continue
		}
		o := drift.Object{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name, Origin: r.Origin, Fields: []drift.Field{}}
		extra := r.Message == notInGit
		switch {
		case extra && (dealt[key] || keeps(app)):
			o.State = drift.Extra
		case !extra && dealt[key]:
			o.State, o.Reason = drift.Modified, leftAlone
		default:
			a.Unsynced++
			continue
		}
		a.Objects = append(a.Objects, o)
	}
}

const (
	// notInGit is how a status marks an object that Git has no more.
	notInGit  = "not in Git any more"
	leftAlone = "a sync of it did not make it what Git says: trueup diff shows what differs"
)

// dealtWith are the objects that the last sync applied or kept, if that was
// one of what Git describes now.
func dealtWith(app *v1alpha1.Application) map[object.Key]bool {
	state := app.Status.OperationState
	if state == nil || state.SyncResult == nil || state.Phase != "Succeeded" || strings.HasPrefix(state.Message, "dry run") ||
		state.SyncResult.Drifted || state.SyncResult.Digest == "" || state.SyncResult.Digest != app.Status.Sync.Digest {
		return nil
	}
	out := map[object.Key]bool{}
	for _, r := range state.SyncResult.Resources {
		if r.Status == "Synced" || r.Status == "PruneSkipped" {
			out[object.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}] = true
		}
	}
	return out
}

// keeps reports an application that is synced without being asked, and of
// which nobody prunes what Git has no more.
func keeps(app *v1alpha1.Application) bool {
	policy := app.Spec.SyncPolicy
	return policy.IsAutomated() && !policy.Automated.Prune
}

// Extent reads "2 fields in 1 object, 1 object not in Git any more".
func (a *Application) Extent() string {
	var parts []string
	if d := a.Drift; d != nil && d.Objects > 0 {
		parts = append(parts, plural(d.Fields, "field")+" in "+plural(d.Objects, "object"))
	}
	extra, left := 0, 0
	for _, o := range a.Left() {
		if o.State == drift.Extra {
			extra++
		} else {
			left++
		}
	}
	if extra > 0 {
		parts = append(parts, plural(extra, "object")+" not in Git any more")
	}
	if left > 0 {
		parts = append(parts, fmt.Sprintf("%s that a sync left", plural(left, "object")))
	}
	return strings.Join(parts, ", ")
}

// Left are the objects that differ by nobody's hand: a sync left them, or
// keeps them though Git has them no more.
func (a *Application) Left() []drift.Object {
	return slices.DeleteFunc(slices.Clone(a.Objects), func(o drift.Object) bool {
		return o.State != drift.Extra && (o.State != drift.Modified || len(o.Fields) > 0)
	})
}
