package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/output"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile"
)

type acceptOptions struct {
	connection
	object, until, reason string
	paths                 []string
	remove, print         bool
}

func newDriftAcceptCommand(s streams) *cobra.Command {
	var o acceptOptions
	cmd := &cobra.Command{
		Use:   "accept APP --object KIND/NAME --path PATH --until DATE --reason TEXT",
		Short: "Expect a difference until a date, and leave it alone until then",
		Long: `Expect a difference until a date, and leave it alone until then: it is shown as expected, and no sync changes it.

It is written to spec.drift.accept of the application. Where Git describes the application, or an ApplicationSet makes it, commit what --print
prints to the manifest or the template instead. When the date has passed the difference counts again, and the condition
DriftAcceptanceExpired and an event say so. 'trueup drift --accepted' lists what is accepted.`,
		Example: `  trueup drift accept shop --object Deployment/web --path spec.replicas --until 2026-12-01 --reason "load test, OPS-7"
  trueup drift accept shop --object Deployment/web --path spec.replicas --until 7d --reason "load test" --print
  trueup drift accept shop --object Deployment/web --path spec.replicas --remove`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return accept(cmd.Context(), o, args[0], s) },
	}
	cmd.ValidArgsFunction = o.complete(1)
	o.flags(cmd.Flags())
	flags := cmd.Flags()
	flags.StringVar(&o.object, "object", "", "the object, as KIND/NAME or KIND/NAMESPACE/NAME")
	flags.StringArrayVar(&o.paths, "path", nil, "the field, as reports print it (repeatable)")
	flags.StringVar(&o.until, "until", "", "the last day, such as 2026-12-01 (UTC), a time such as 2026-12-01T12:00:00Z, or days or hours from now, such as 7d or 12h")
	flags.StringVar(&o.reason, "reason", "", "why, for those who read it later")
	flags.BoolVar(&o.remove, "remove", false, "do not accept it any longer")
	flags.BoolVar(&o.print, "print", false, "print what to commit, and change nothing")
	return cmd
}

func accept(ctx context.Context, o acceptOptions, name string, s streams) error {
	now := time.Now()
	until, err := o.check(now)
	if err != nil {
		return usageError{err}
	}
	k, err := o.client()
	if err != nil {
		return err
	}
	var app v1alpha1.Application
	if err := k.Get(ctx, client.ObjectKey{Namespace: o.namespace, Name: name}, &app); err != nil {
		return fmt.Errorf("get application %s: %w", name, err)
	}
	key, err := subject(&app, o.object)
	if err != nil {
		return fmt.Errorf("accept drift of %s: %w", name, err)
	}
	next := app.DeepCopy()
	if next.Spec.Drift == nil {
		next.Spec.Drift = &v1alpha1.DriftPolicy{}
	}
	policy := next.Spec.Drift
	before := len(policy.Accept)
	policy.Accept = slices.DeleteFunc(policy.Accept, func(a v1alpha1.DriftAcceptance) bool {
		return keyOfAcceptance(a) == key && slices.Contains(o.paths, a.Path)
	})
	if o.remove && len(policy.Accept) == before {
		return fmt.Errorf("accept drift of %s: nothing of %s is accepted at %s", name, key.Short(), strings.Join(o.paths, ", "))
	}
	for _, path := range o.paths {
		if o.remove {
			break
		}
		policy.Accept = append(policy.Accept, v1alpha1.DriftAcceptance{
			Group: key.Group, Kind: key.Kind, Namespace: key.Namespace, Name: key.Name, Path: path, Until: metav1.NewTime(until), Reason: o.reason,
		})
		if !differs(&app, key, path) {
			fmt.Fprintf(s.err, "(%s %s does not differ as the agent last saw it)\n", key.Short(), path)
		}
	}
	if o.print {
		return printAcceptances(s.out, policy.Accept)
	}
	if owner := metav1.GetControllerOf(&app); owner != nil && owner.Kind == "ApplicationSet" {
		return fmt.Errorf("accept drift of %s: ApplicationSet %s makes it, and would take the acceptance away; commit what --print prints to its template", name, owner.Name)
	}
	if err := k.Patch(ctx, next, client.MergeFromWithOptions(&app, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("accept drift of %s: %w", name, err)
	}
	if _, tracked := app.Annotations["trueup.dev/tracking-id"]; tracked {
		fmt.Fprintln(s.err, "(another application describes this one: commit what --print prints as well)")
	}
	return nil
}

// check reads the flags, and tells all that is wrong with them.
func (o acceptOptions) check(now time.Time) (time.Time, error) {
	var errs []error
	if o.object == "" {
		errs = append(errs, errors.New("--object KIND/NAME is required"))
	}
	if len(o.paths) == 0 || slices.Contains(o.paths, "") {
		errs = append(errs, errors.New("--path PATH is required"))
	}
	if o.remove {
		return time.Time{}, errors.Join(errs...)
	}
	if strings.TrimSpace(o.reason) == "" {
		errs = append(errs, errors.New("--reason TEXT is required: it is all that others will know"))
	}
	until, err := deadline(o.until, now)
	if err != nil {
		errs = append(errs, err)
	}
	return until, errors.Join(errs...)
}

// deadline reads a day, which counts to its end, a time, or a time from now.
func deadline(text string, now time.Time) (time.Time, error) {
	var at time.Time
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		at = day.Add(24*time.Hour - time.Second)
	} else if t, err := time.Parse(time.RFC3339, text); err == nil {
		at = t
	} else if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return at, fmt.Errorf("--until %q is no number of days", text)
		}
		at = now.AddDate(0, 0, int(n))
	} else if left, err := time.ParseDuration(text); err == nil {
		at = now.Add(left)
	} else {
		return at, fmt.Errorf("--until %q: want a day such as 2026-12-01, a time such as 2026-12-01T12:00:00Z, or a time from now such as 7d or 12h", text)
	}
	if !at.After(now) {
		return at, fmt.Errorf("--until %s has passed", text)
	}
	return at.UTC().Truncate(time.Second), nil
}

// subject finds the object that KIND/NAME means among those of an application.
func subject(app *v1alpha1.Application, text string) (object.Key, error) {
	parts := strings.Split(text, "/")
	var found []object.Key
	for _, r := range app.Status.Resources {
		key := object.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
		fits := len(parts) == 2 && parts[1] == r.Name || len(parts) == 3 && parts[1] == r.Namespace && parts[2] == r.Name
		if fits && strings.EqualFold(parts[0], r.Kind) {
			found = append(found, key)
		}
	}
	switch len(found) {
	case 0:
		return object.Key{}, fmt.Errorf("it has no object %q: want KIND/NAME or KIND/NAMESPACE/NAME", text)
	case 1:
		return found[0], nil
	}
	var all []string
	for _, key := range found {
		all = append(all, key.String())
	}
	return object.Key{}, fmt.Errorf("%q is one of %s: say KIND/NAMESPACE/NAME", text, strings.Join(all, ", "))
}

func keyOfAcceptance(a v1alpha1.DriftAcceptance) object.Key {
	return object.Key{Group: a.Group, Kind: a.Kind, Namespace: a.Namespace, Name: a.Name}
}

func differs(app *v1alpha1.Application, key object.Key, path string) bool {
	d := app.Status.Drift
	return d != nil && slices.ContainsFunc(d.Changes, func(c v1alpha1.DriftChange) bool {
		return c.Path == path && key == object.Key{Group: c.Group, Kind: c.Kind, Namespace: c.Namespace, Name: c.Name}
	})
}

// printAcceptances prints the part of a manifest that holds them.
func printAcceptances(w io.Writer, all []v1alpha1.DriftAcceptance) error {
	data, err := yaml.Marshal(map[string]any{"spec": map[string]any{"drift": map[string]any{"accept": all}}})
	if err != nil {
		return fmt.Errorf("print YAML: %w", err)
	}
	_, err = w.Write(data)
	return err
}

// acceptedRow is one acceptance as --accepted lists it.
type acceptedRow struct {
	Application string `json:"application"`
	v1alpha1.DriftAcceptance
	Expired bool `json:"expired"`
	// Explains counts the differences that are expected because of the
	// acceptance, and of others of the same date and reason.
	Explains int `json:"explains"`
}

func reasonCell(reason string) string {
	if reason == "" {
		return "-"
	}
	return output.Value(reason)
}

// printAccepted lists the acceptances of applications, those that have expired
// first.
func printAccepted(w io.Writer, format string, apps []v1alpha1.Application, now time.Time) error {
	rows := []acceptedRow{}
	for _, app := range apps {
		if app.Spec.Drift == nil {
			continue
		}
		for _, a := range app.Spec.Drift.Accept {
			row := acceptedRow{Application: app.Name, DriftAcceptance: a, Expired: !a.Until.After(now)}
			if app.Status.Drift != nil && !row.Expired {
				for _, r := range app.Status.Drift.Rules {
					if r.Name == reconcile.AcceptanceName(a) {
						row.Explains = r.Fields
					}
				}
			}
			rows = append(rows, row)
		}
	}
	slices.SortStableFunc(rows, func(a, b acceptedRow) int { return a.Until.Compare(b.Until.Time) })
	if done, err := printData(w, format, map[string]any{"apiVersion": output.APIVersion, "kind": "DriftAcceptanceList", "items": rows}); done {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "APP\tOBJECT\tPATH\tUNTIL\tEXPLAINS\tREASON")
	for _, r := range rows {
		until := reconcile.AcceptedUntil(r.Until.Time)
		if r.Expired {
			until += " (expired)"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\n", r.Application, keyOfAcceptance(r.DriftAcceptance).Short(), output.Value(r.Path), until, r.Explains, reasonCell(r.Reason))
	}
	return t.Flush()
}
