package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/drift/output"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile"
)

type driftOptions struct {
	connection
	output string
	set    string
	since  time.Duration
	rules  bool
	// accepted lists acceptances instead, orphaned what nobody tracks.
	accepted, orphaned bool
	all                bool
	audit              auditLogs
}

func newDriftCommand(s streams) *cobra.Command {
	var o driftOptions
	cmd := &cobra.Command{
		Use:   "drift [APP...]",
		Short: "Show what differs from Git, since when, and by whose hand",
		Long: `Show what differs from Git, since when, and by whose hand, as the agent last saw it. Applications that differ in the same way
are shown once.

With --rules it shows what each rule about expected differences did, and which of them match nothing or too much.
Exits with 0 when nothing drifted, 3 when something did, 4 when something was not compared yet or cannot be now.`,
		Example: `  trueup drift
  trueup drift --set fleet --since 24h
  trueup drift --orphaned
  trueup drift -o sarif > drift.sarif`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return showDrift(cmd.Context(), o, args, s) },
	}
	cmd.AddCommand(newDriftHistoryCommand(s), newDriftAcceptCommand(s), newDriftAdoptCommand(s))
	cmd.ValidArgsFunction = o.complete(0)
	o.flags(cmd.Flags())
	cmd.Flags().StringVarP(&o.output, "output", "o", "text", "text, json, yaml, name, markdown, junit, sarif or github")
	cmd.Flags().StringVar(&o.set, "set", "", "only the applications of this ApplicationSet")
	cmd.Flags().DurationVar(&o.since, "since", 0, "only what was made to differ within this time, such as 24h")
	o.audit.flags(cmd.Flags())
	cmd.Flags().BoolVar(&o.rules, "rules", false, "show what each rule about expected differences did instead")
	cmd.Flags().BoolVar(&o.accepted, "accepted", false, "list the differences that are accepted until a date instead")
	cmd.Flags().BoolVar(&o.orphaned, "orphaned", false, "list what is in the applications' namespaces and tracked by nobody instead, where projects ask for that")
	cmd.Flags().BoolVar(&o.all, "all", false, "also list what nobody tracks, where the project asks for that")
	return cmd
}

func showDrift(ctx context.Context, o driftOptions, args []string, s streams) error {
	outputs := []string{"text", "json", "yaml", "name", "markdown", "junit", "sarif", "github"}
	if o.rules || o.accepted || o.orphaned {
		outputs = outputs[:3]
	}
	if err := oneOf("--output", o.output, outputs...); err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
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
	if k, err := o.client(); err == nil {
		nameClusters(ctx, k, o.namespace, apps)
	}
	if o.accepted {
		return printAccepted(s.out, o.output, apps, time.Now())
	}
	if o.orphaned {
		return printOrphaned(s.out, o.output, apps)
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
	if err := o.audit.statuses(apps, s); err != nil {
		return err
	}
	view := driftView{printing: printing{palette: palette(s.color), times: time.DateTime}, now: now, details: len(args) > 0, all: o.all}
	if err := printDrifts(s.out, o.output, apps, view); err != nil {
		return err
	}
	return driftCode(apps)
}

func (o driftOptions) check() error {
	if o.rules && o.accepted || o.rules && o.orphaned || o.accepted && o.orphaned {
		return usagef("drift takes one of --rules, --accepted and --orphaned")
	}
	if o.since < 0 {
		return usagef("--since %s is no time that has passed", o.since)
	}
	return nil
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
	left := map[object.Key]bool{}
	for _, c := range d.Changes {
		left[object.Key{Group: c.Group, Kind: c.Kind, Namespace: c.Namespace, Name: c.Name}] = true
	}
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
	for i := range app.Status.Resources {
		r := &app.Status.Resources[i]
		if key := (object.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}); left[key] && !objects[key] {
			r.Status = v1alpha1.SyncStatusCodeSynced // else it would look like one that waits for a sync
		}
	}
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
		vague := slices.ContainsFunc(app.Status.Resources, func(r v1alpha1.ResourceStatus) bool { return r.Status == v1alpha1.SyncStatusCodeUnknown })
		if unknown = unknown || vague; d == nil || app.Status.Sync.Status == v1alpha1.SyncStatusCodeUnknown {
			unknown = true // what is listed of it was so once
			continue
		}
		seen := output.FromStatus(&app)
		drifted = drifted || seen.Drifted()
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
	// all also lists what nobody tracks.
	all    bool
	report output.Report
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
		for _, app := range list {
			if app.Drifted() {
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
	inSync, unverified, stale, waiting := 0, 0, 0, 0
	var oldest time.Time
	for i, app := range apps {
		d := app.Status.Drift
		switch seen := v.report.Applications[i]; {
		case seen.Drifted():
			drifted = append(drifted, app)
			if app.Status.Sync.Status == v1alpha1.SyncStatusCodeUnknown {
				unverified, stale = unverified+1, stale+1
			}
		case d == nil || app.Status.Sync.Status == v1alpha1.SyncStatusCodeUnknown:
			unverified++
		default:
			inSync++
			waiting += min(1, seen.Unsynced)
		}
		if d != nil && d.VerifiedAt != nil && (oldest.IsZero() || d.VerifiedAt.Time.Before(oldest)) {
			oldest = d.VerifiedAt.Time
		}
	}
	if v.all {
		orphanedText(b, apps)
	}
	v.problems(b, apps)
	first, more := v.apart(drifted)
	fights := countFights(apps)
	switch {
	case v.details:
		v.each(b, apps, first, more)
	case len(drifted) > 0:
		v.table(b, first, more)
	}
	v.unknown(b)
	if text := v.report.Summary(); text != "" {
		b.WriteString(text + "\n")
	}
	total := fmt.Sprintf("%d without drift", inSync)
	if waiting > 0 {
		total += fmt.Sprintf(" (%d not synced)", waiting)
	}
	total += fmt.Sprintf(" · %d drifted · %d not compared", len(drifted)-stale, unverified)
	if fights > 0 {
		total += " · " + plural(fights, "fight")
	}
	if !oldest.IsZero() {
		total += " · last full look " + age(v.now, oldest) + " ago"
	}
	if n := orphanedCount(apps); n > 0 {
		total += fmt.Sprintf(" · %d orphaned", n)
	}
	b.WriteString(v.palette.bold(total) + "\n")
	if len(drifted) > 0 {
		b.WriteString("next: " + v.next(drifted[0]) + "\n")
	}
}

// each tells one application after the other, and the fights of all.
func (v driftView) each(b *strings.Builder, apps, first []v1alpha1.Application, more map[string]string) {
	for _, app := range first {
		v.application(b, app, more[app.Name])
	}
	for i, app := range apps {
		v.fights(b, app)
		if n := v.report.Applications[i].Unsynced; n > 0 {
			fmt.Fprintf(b, "%s: not synced: %s, and no hand is known to have changed that: trueup diff %s\n", app.Name, plural(n, "object"), app.Name)
		}
	}
}

// next is the command that goes on from here.
func (v driftView) next(app v1alpha1.Application) string {
	if v.details {
		return advice(app)
	}
	return "trueup drift " + app.Name
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
	if seen := output.FromStatus(&app); len(app.Status.Drift.Changes) == 0 && len(seen.Left()) > 0 {
		if seen.Left()[0].State == drift.Extra {
			return "trueup sync " + app.Name + " --prune deletes what Git has no more"
		}
		return "trueup diff " + app.Name
	}
	for _, c := range app.Status.Drift.Changes {
		if c.Class != "undeclared" {
			return "trueup sync " + app.Name + " --drifted"
		}
	}
	return "trueup sync " + app.Name + " --drifted --undeclared removes fields that Git does not name; or put them into Git"
}

// fights tells what keeps coming back in an application, and the rules that
// end it.
func (v driftView) fights(b *strings.Builder, app v1alpha1.Application) {
	for _, f := range fightsOf(app) {
		fmt.Fprintf(b, "%s %s\n", v.palette.red("fight:"), reconcile.FightText(f))
		if f.Rule != "" {
			b.WriteString("  to expect it, add to spec:\n    " + strings.ReplaceAll(strings.TrimSpace(f.Rule), "\n", "\n    ") + "\n")
		}
		b.WriteByte('\n')
	}
}

func countFights(apps []v1alpha1.Application) int {
	n := 0
	for _, app := range apps {
		n += len(fightsOf(app))
	}
	return n
}

func fightsOf(app v1alpha1.Application) []v1alpha1.DriftFight {
	if app.Status.Drift == nil {
		return nil
	}
	return app.Status.Drift.Fights
}
