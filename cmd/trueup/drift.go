package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/drift/output"
	"github.com/trueup-dev/trueup/internal/object"
)

type driftOptions struct {
	connection
	output string
	set    string
	since  time.Duration
	rules  bool
	// accepted lists acceptances instead.
	accepted bool
}

func newDriftCommand(s streams) *cobra.Command {
	var o driftOptions
	cmd := &cobra.Command{
		Use:   "drift [APP...]",
		Short: "Show what differs from Git, since when, and by whose hand",
		Long: `Show what differs from Git, since when, and by whose hand, as the agent last saw it. Applications that differ in the same way
are shown once.

With --rules it shows what each rule about expected differences did, and which of them match nothing or too much.
Exits with 0 when nothing drifted, 3 when something did, 4 when an application could not be compared.`,
		Example: `  trueup drift
  trueup drift --set fleet --since 24h
  trueup drift -o sarif > drift.sarif`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return showDrift(cmd.Context(), o, args, s) },
	}
	cmd.AddCommand(newDriftHistoryCommand(s), newDriftAcceptCommand(s))
	cmd.ValidArgsFunction = o.complete(0)
	o.flags(cmd.Flags())
	cmd.Flags().StringVarP(&o.output, "output", "o", "text", "text, json, yaml, name, markdown, junit, sarif or github")
	cmd.Flags().StringVar(&o.set, "set", "", "only the applications of this ApplicationSet")
	cmd.Flags().DurationVar(&o.since, "since", 0, "only what was made to differ within this time, such as 24h")
	cmd.Flags().BoolVar(&o.rules, "rules", false, "show what each rule about expected differences did instead")
	cmd.Flags().BoolVar(&o.accepted, "accepted", false, "list the differences that are accepted until a date instead")
	return cmd
}

func showDrift(ctx context.Context, o driftOptions, args []string, s streams) error {
	outputs := []string{"text", "json", "yaml", "name", "markdown", "junit", "sarif", "github"}
	if o.rules || o.accepted {
		outputs = outputs[:3]
	}
	if err := oneOf("--output", o.output, outputs...); err != nil {
		return err
	}
	if o.rules && o.accepted {
		return usagef("drift takes --rules or --accepted, not both")
	}
	if o.since < 0 {
		return usagef("--since %s is no time that has passed", o.since)
	}
	apps, err := o.applications(ctx, args)
	if err != nil {
		return err
	}
	if o.set != "" {
		apps = slices.DeleteFunc(apps, func(app v1alpha1.Application) bool { return !ofSet(&app, o.set) })
		if len(apps) == 0 {
			return fmt.Errorf("find applications of ApplicationSet %s in %s: there are none", o.set, o.namespace)
		}
	}
	if o.accepted {
		return printAccepted(s.out, o.output, apps, time.Now())
	}
	if o.rules {
		return printApplicationRules(s.out, o.output, apps)
	}
	now := time.Now()
	if o.since > 0 {
		for i := range apps {
			recent(&apps[i], now.Add(-o.since))
		}
	}
	view := driftView{printing: printing{palette: palette(s.color), times: time.DateTime}, now: now, details: len(args) > 0}
	if err := printDrifts(s.out, o.output, apps, view); err != nil {
		return err
	}
	return driftCode(apps)
}

// ofSet reports whether an ApplicationSet made the application.
func ofSet(app *v1alpha1.Application, set string) bool {
	owner := metav1.GetControllerOf(app)
	return owner != nil && owner.Kind == "ApplicationSet" && owner.Name == set
}

// recent leaves of the drift what was made, or found where nobody knows when
// it was made, after then. What a status does not list is taken for recent.
func recent(app *v1alpha1.Application, then time.Time) {
	d := app.Status.Drift
	if d == nil {
		return
	}
	old := output.FromStatus(app)
	d.Changes = slices.DeleteFunc(d.Changes, func(c v1alpha1.DriftChange) bool {
		at := c.Time
		if at == nil {
			at = c.FoundAt
		}
		return at != nil && at.Time.Before(then)
	})
	objects := map[object.Key]bool{}
	d.Fields, d.By, d.Since = 0, nil, nil
	for _, c := range d.Changes {
		objects[object.Key{Group: c.Group, Kind: c.Kind, Namespace: c.Namespace, Name: c.Name}] = true
		if c.Path != "" {
			d.Fields++
		}
		if c.Manager != "" && !slices.Contains(d.By, c.Manager) {
			d.By = append(d.By, c.Manager)
		}
		if c.Time != nil && (d.Since == nil || c.Time.Before(d.Since)) {
			d.Since = c.Time
		}
	}
	d.Objects = len(objects)
	if old.Unlisted > 0 {
		d.Fields, d.Objects = d.Fields+old.Unlisted, d.Objects+1
	}
}

// printApplicationRules shows the rules of several applications, which have
// their names before them then.
func printApplicationRules(w io.Writer, output string, apps []v1alpha1.Application) error {
	var uses []ignore.Use
	for _, app := range apps {
		if app.Status.Drift == nil {
			continue
		}
		for _, r := range app.Status.Drift.Rules {
			u := ignore.Use{Rule: r.Name, Objects: r.Objects, Places: r.Places, Fields: r.Fields, Message: r.Message}
			if len(apps) > 1 {
				u.Rule = app.Name + " " + u.Rule
			}
			uses = append(uses, u)
		}
	}
	return printRules(w, output, uses)
}

func driftCode(apps []v1alpha1.Application) error {
	drifted, unknown := false, false
	for _, app := range apps {
		d := app.Status.Drift
		if d == nil || app.Status.Sync.Status == v1alpha1.SyncStatusCodeUnknown {
			unknown = true // what is listed of it was so once
			continue
		}
		drifted = drifted || d.Objects > 0
		unknown = unknown || slices.ContainsFunc(app.Status.Resources, func(r v1alpha1.ResourceStatus) bool { return r.Status == v1alpha1.SyncStatusCodeUnknown })
	}
	switch {
	case drifted:
		return exitCode(exitDrift)
	case unknown:
		return exitCode(exitIncomplete)
	}
	return nil
}

type driftView struct {
	printing
	now time.Time
	// details shows fields also of several applications.
	details bool
	report  output.Report
}

func printDrifts(w io.Writer, format string, apps []v1alpha1.Application, v driftView) error {
	list := make([]output.Application, len(apps))
	for i := range apps {
		list[i] = output.FromStatus(&apps[i])
		list[i].Cluster, list[i].Revision = destination(apps[i]), revision(apps[i])
	}
	report := output.New(list...)
	if done, err := printReview(w, format, report); done {
		return err
	}
	if done, err := printData(w, format, report); done {
		return err
	}
	if format == "name" {
		for _, app := range apps {
			if d := app.Status.Drift; d != nil && d.Objects > 0 {
				fmt.Fprintln(w, app.Name)
			}
		}
		return nil
	}
	v.report = report
	var b strings.Builder
	v.text(&b, apps)
	_, err := io.WriteString(w, b.String())
	return err
}

// printReview writes a report for reviews and for the programs that show them,
// and tells whether it did.
func printReview(w io.Writer, format string, report output.Report) (done bool, err error) {
	switch format {
	case "markdown":
		return true, report.Markdown(w)
	case "junit":
		return true, report.JUnit(w)
	case "sarif":
		return true, report.SARIF(w)
	case "github":
		return true, report.GitHub(w)
	}
	return false, nil
}

func (v driftView) text(b *strings.Builder, apps []v1alpha1.Application) {
	var drifted []v1alpha1.Application
	inSync, unverified, stale := 0, 0, 0
	var oldest time.Time
	for _, app := range apps {
		d := app.Status.Drift
		switch {
		case d != nil && d.Objects > 0:
			drifted = append(drifted, app)
			if app.Status.Sync.Status == v1alpha1.SyncStatusCodeUnknown {
				unverified, stale = unverified+1, stale+1
			}
		case d == nil || app.Status.Sync.Status == v1alpha1.SyncStatusCodeUnknown:
			unverified++
		default:
			inSync++
		}
		if d != nil && d.VerifiedAt != nil && (oldest.IsZero() || d.VerifiedAt.Time.Before(oldest)) {
			oldest = d.VerifiedAt.Time
		}
	}
	v.problems(b, apps)
	first, more := v.apart(drifted)
	if v.details {
		for _, app := range first {
			v.application(b, app, more[app.Name])
		}
	} else if len(drifted) > 0 {
		v.table(b, first, more)
	}
	v.unknown(b)
	if text := v.report.Summary(); text != "" {
		b.WriteString(text + "\n")
	}
	total := fmt.Sprintf("%d without drift · %d drifted · %d not compared", inSync, len(drifted)-stale, unverified)
	if !oldest.IsZero() {
		total += " · last full look " + age(v.now, oldest) + " ago"
	}
	b.WriteString(v.palette.bold(total) + "\n")
	if len(drifted) > 0 {
		name := drifted[0].Name
		if v.details {
			b.WriteString("next: " + advice(drifted[0]) + "\n")
		} else {
			fmt.Fprintf(b, "next: trueup drift %s\n", name)
		}
	}
}

// unknown lists the objects that could not be compared.
func (v driftView) unknown(b *strings.Builder) {
	for _, app := range v.report.Applications {
		for _, o := range app.Objects {
			if o.State == drift.Unknown {
				fmt.Fprintf(b, "%s %s could not be compared: %s\n", v.symbol(o.State), v.palette.bold(app.Name+": "+o.Key().Short()), output.Value(o.Reason))
			}
		}
	}
}

// advice says what helps. A sync leaves alone what Git does not name.
func advice(app v1alpha1.Application) string {
	for _, c := range app.Status.Drift.Changes {
		if c.Class != "undeclared" {
			return "trueup sync " + app.Name
		}
	}
	return "a sync leaves fields that Git does not name: put them into Git, or remove them by hand"
}

// apart returns one application for each way to differ, in the order of the
// report's groups where any two are alike, and with each how the others are
// named.
func (v driftView) apart(drifted []v1alpha1.Application) (first []v1alpha1.Application, more map[string]string) {
	if v.report.Summary() == "" {
		return drifted, nil
	}
	more = map[string]string{}
	for _, g := range v.report.Groups {
		i := slices.IndexFunc(drifted, func(app v1alpha1.Application) bool { return app.Name == g.Applications[0] })
		first = append(first, drifted[i])
		if len(g.Applications) > 1 {
			more[g.Applications[0]] = g.Names()
		}
	}
	return first, more
}

func (v driftView) table(b *strings.Builder, apps []v1alpha1.Application, more map[string]string) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "APP\tCLUSTER\tDRIFT\tSINCE\tBY")
	for _, app := range apps {
		d := app.Status.Drift
		since := "-"
		if d.Since != nil {
			since = age(v.now, d.Since.Time)
		}
		name := app.Name
		if all := more[name]; all != "" {
			name = all
		}
		fmt.Fprintf(t, "%s\t%s\t%s in %s\t%s\t%s\n", name, destination(app), plural(d.Fields, "field"), plural(d.Objects, "object"), since, or(strings.Join(d.By, ", ")))
	}
	_ = t.Flush() // a strings.Builder takes everything
}

func (v driftView) application(b *strings.Builder, app v1alpha1.Application, alike string) {
	last := ""
	if alike != "" {
		b.WriteString(v.palette.bold("the same in "+alike) + "\n")
	}
	for _, c := range app.Status.Drift.Changes {
		subject := c.Kind + " " + strings.TrimPrefix(c.Namespace+"/"+c.Name, "/")
		if subject != last {
			if last != "" {
				b.WriteByte('\n')
			}
			symbol, note := v.palette.yellow("~"), ""
			if c.Path == "" {
				symbol, note = v.palette.green("+"), "  in Git, and deleted from the cluster"
			}
			fmt.Fprintf(b, "%s %s%s  %s\n", symbol, v.palette.bold(subject), note, v.palette.dim(app.Name+" at git "+revision(app)+origin(app, c)))
			last = subject
		}
		if c.Path != "" {
			v.field(b, output.FieldOf(c))
		}
	}
	b.WriteByte('\n')
}

// origin is the file and line that describe a changed object.
func origin(app v1alpha1.Application, c v1alpha1.DriftChange) string {
	for _, r := range app.Status.Resources {
		if r.Group == c.Group && r.Kind == c.Kind && r.Namespace == c.Namespace && r.Name == c.Name && r.Origin != "" {
			return ", " + r.Origin
		}
	}
	return ""
}
