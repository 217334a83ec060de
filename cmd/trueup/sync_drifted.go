package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/output"
	"github.com/trueup-dev/trueup/drift/revert"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile"
)

// driftedOptions limit a sync to what drifted.
type driftedOptions struct {
	only, undeclared, yes bool
	objects, paths        []string
}

func (d *driftedOptions) flags(flags *pflag.FlagSet) {
	flags.BoolVar(&d.only, "drifted", false, "put back what somebody else changed, and nothing else")
	flags.BoolVar(&d.undeclared, "undeclared", false, "with --drifted: remove what somebody added that Git does not mention")
	flags.StringArrayVar(&d.objects, "object", nil, "only this object, as KIND/NAME or KIND/NAMESPACE/NAME (repeatable)")
	flags.StringArrayVar(&d.paths, "path", nil, "with --drifted: only this path, as reports print it, and what is below it (repeatable)")
	flags.BoolVar(&d.yes, "yes", false, "with --drifted: do not ask")
}

func (d *driftedOptions) check(o syncOptions) error {
	switch {
	case !d.only && (d.undeclared || len(d.paths) > 0):
		return usagef("--path and --undeclared need --drifted")
	case d.only && o.revision != "":
		return usagef("--drifted goes back to what Git says; it takes no --revision")
	case d.only && o.prune:
		return usagef("--drifted prunes nothing")
	case slices.Contains(d.paths, ""):
		return usagef("--path is empty")
	}
	return nil
}

// fill adds to an operation what it is limited to. Where only drift is put
// back, it shows what that is, and tells whether to go on.
func (d *driftedOptions) fill(op *v1alpha1.SyncOperation, app *v1alpha1.Application, o syncOptions, s streams) (goOn bool, err error) {
	for _, text := range d.objects {
		key, err := subject(app, text)
		if err != nil {
			return false, fmt.Errorf("sync %s: %w", app.Name, err)
		}
		op.Resources = append(op.Resources, v1alpha1.SyncOperationResource{Group: key.Group, Kind: key.Kind, Namespace: key.Namespace, Name: key.Name})
	}
	if !d.only {
		return true, nil
	}
	op.Drifted, op.Paths, op.Undeclared = true, d.paths, d.undeclared
	all := reverts(app, op)
	if len(all.changes) == 0 && all.unlisted == 0 {
		fmt.Fprintf(s.err, "nothing of %s has drifted that this would put back\n", app.Name)
		if len(all.kept) > 0 {
			all.print(s.err, app.Name, palette(s.color))
		}
		return false, nil
	}
	all.print(s.err, app.Name, palette(s.color))
	if d.yes || o.dryRun {
		return true, nil
	}
	agreed, err := ask(s, fmt.Sprintf("Revert %s?", plural(len(all.changes)+all.unlisted, "difference")))
	if err == nil && !agreed {
		fmt.Fprintln(s.err, "nothing is reverted")
		err = exitCode(exitError)
	}
	return agreed, err
}

// reverting is what a sync of what is drifted takes away, as the agent last
// saw it.
type reverting struct {
	changes []v1alpha1.DriftChange
	// kept are fields that somebody added and that stay.
	kept []v1alpha1.DriftChange
	// unlisted differences are more than a status has room for.
	unlisted int
}

func reverts(app *v1alpha1.Application, op *v1alpha1.SyncOperation) reverting {
	var out reverting
	if app.Status.Drift == nil {
		return out
	}
	removes := op.Undeclared || app.Spec.Drift != nil && app.Spec.Drift.Undeclared == "remove"
	for _, c := range app.Status.Drift.Changes {
		of := v1alpha1.SyncOperationResource{Group: c.Group, Kind: c.Kind, Namespace: c.Namespace, Name: c.Name}
		switch {
		case len(op.Resources) > 0 && !slices.Contains(op.Resources, of):
		case len(op.Paths) > 0 && (c.Path == "" || !reconcile.Under(c.Path, op.Paths)):
		case c.Class == "undeclared" && (!removes || revert.Kept(output.FieldOf(c)) != ""):
			out.kept = append(out.kept, c)
		default:
			out.changes = append(out.changes, c)
		}
	}
	if len(op.Resources)+len(op.Paths) == 0 {
		out.unlisted = output.FromStatus(app).Unlisted
	}
	return out
}

func (r reverting) print(w io.Writer, name string, p palette) {
	if len(r.changes)+r.unlisted > 0 {
		fmt.Fprintf(w, "%s\n", p.bold("to revert in "+name))
	}
	last := ""
	for _, c := range r.changes {
		subject := object.Key{Group: c.Group, Kind: c.Kind, Namespace: c.Namespace, Name: c.Name}.Short()
		if c.Path == "" {
			fmt.Fprintf(w, "%s %s  deleted from the cluster: created again\n", p.green("+"), p.bold(subject))
			continue
		}
		if subject != last {
			fmt.Fprintf(w, "%s %s\n", p.yellow("~"), p.bold(subject))
			last = subject
		}
		f := output.FieldOf(c)
		live, desired := "(absent)", "removed"
		if f.Live != nil {
			live = output.Value(f.Live)
		}
		if f.Desired != nil {
			desired = output.Value(f.Desired)
		}
		by := output.Hand(f)
		if f.Time != nil {
			by += " " + f.Time.UTC().Format(time.DateTime)
		}
		fmt.Fprintf(w, "    %s: %s → %s  %s\n", c.Path, live, desired, p.dim(by))
	}
	if r.unlisted > 0 {
		fmt.Fprintf(w, "  and %d more that the status has no room for\n", r.unlisted)
	}
	if len(r.kept) > 0 {
		fmt.Fprintf(w, "(left, because Git does not mention it: %s; --undeclared removes what may be removed)\n", plural(len(r.kept), "field"))
	}
}

// shortfall is an error where a sync left a field other than Git says.
func shortfall(app *v1alpha1.Application) error {
	st := app.Status.OperationState
	if st == nil || st.SyncResult == nil {
		return nil
	}
	n := 0
	for _, r := range st.SyncResult.Resources {
		for _, f := range r.Fields {
			if f.Status == "Refused" || f.Status == "NotConverged" {
				n++
			}
		}
	}
	if n > 0 {
		return fmt.Errorf("sync %s: %s not as Git says: %s", app.Name, plural(n, "field"), st.Message)
	}
	return nil
}
