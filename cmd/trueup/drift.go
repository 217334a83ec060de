package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/ignore"
)

func newDriftCommand(s streams) *cobra.Command {
	var c connection
	var output string
	var rules bool
	cmd := &cobra.Command{
		Use:   "drift [APP...]",
		Short: "Show what differs from Git, since when, and by whose hand",
		Long: `Show what differs from Git, since when, and by whose hand, as the agent last saw it.

With --rules it shows what each rule about expected differences did, and which of them match nothing or too much.
Exits with 0 when nothing drifted, 3 when something did, 4 when an application could not be compared.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("--output", output, "text", "json", "yaml", "name"); err != nil {
				return err
			}
			apps, err := c.applications(cmd.Context(), args)
			if err != nil {
				return err
			}
			if rules {
				return printApplicationRules(s.out, output, apps)
			}
			view := driftView{printing: printing{palette: palette(s.color), times: time.DateTime}, now: time.Now(), details: len(args) > 0}
			if err := printDrifts(s.out, output, apps, view); err != nil {
				return err
			}
			return driftCode(apps)
		},
	}
	cmd.ValidArgsFunction = c.complete(0)
	c.flags(cmd.Flags())
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text, json, yaml or name")
	cmd.Flags().BoolVar(&rules, "rules", false, "show what each rule about expected differences did instead")
	return cmd
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
		drifted = drifted || d != nil && d.Objects > 0
		unknown = unknown || d == nil || app.Status.Sync.Status == v1alpha1.SyncStatusCodeUnknown
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
}

// driftOf is one application's drift for programs.
type driftOf struct {
	Application string                 `json:"application"`
	Sync        string                 `json:"sync"`
	Drift       *v1alpha1.DriftSummary `json:"drift"`
}

func printDrifts(w io.Writer, output string, apps []v1alpha1.Application, v driftView) error {
	list := make([]driftOf, len(apps))
	for i, app := range apps {
		list[i] = driftOf{app.Name, string(app.Status.Sync.Status), app.Status.Drift}
	}
	if done, err := printData(w, output, map[string]any{"applications": list}); done {
		return err
	}
	if output == "name" {
		for _, app := range apps {
			if d := app.Status.Drift; d != nil && d.Objects > 0 {
				fmt.Fprintln(w, app.Name)
			}
		}
		return nil
	}
	var b strings.Builder
	v.text(&b, apps)
	_, err := io.WriteString(w, b.String())
	return err
}

func (v driftView) text(b *strings.Builder, apps []v1alpha1.Application) {
	var drifted []v1alpha1.Application
	inSync, unverified := 0, 0
	var oldest time.Time
	for _, app := range apps {
		d := app.Status.Drift
		switch {
		case d != nil && d.Objects > 0:
			drifted = append(drifted, app)
		case d == nil || app.Status.Sync.Status == v1alpha1.SyncStatusCodeUnknown:
			unverified++
		default:
			inSync++
		}
		if d != nil && d.VerifiedAt != nil && (oldest.IsZero() || d.VerifiedAt.Time.Before(oldest)) {
			oldest = d.VerifiedAt.Time
		}
	}
	if v.details {
		for _, app := range drifted {
			v.application(b, app)
		}
	} else if len(drifted) > 0 {
		v.table(b, drifted)
	}
	total := fmt.Sprintf("%d without drift · %d drifted · %d not compared", inSync, len(drifted), unverified)
	if !oldest.IsZero() {
		total += " · last full look " + duration.HumanDuration(v.now.Sub(oldest)) + " ago"
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

// advice says what helps. A sync leaves alone what Git does not name.
func advice(app v1alpha1.Application) string {
	for _, c := range app.Status.Drift.Changes {
		if c.Class != "undeclared" {
			return "trueup sync " + app.Name
		}
	}
	return "a sync leaves fields that Git does not name: put them into Git, or remove them by hand"
}

func (v driftView) table(b *strings.Builder, apps []v1alpha1.Application) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "APP\tCLUSTER\tDRIFT\tSINCE\tBY")
	for _, app := range apps {
		d := app.Status.Drift
		since := "-"
		if d.Since != nil {
			since = duration.HumanDuration(v.now.Sub(d.Since.Time))
		}
		fmt.Fprintf(t, "%s\t%s\t%s in %s\t%s\t%s\n", app.Name, destination(app), plural(d.Fields, "field"), plural(d.Objects, "object"), since, or(strings.Join(d.By, ", ")))
	}
	_ = t.Flush() // a strings.Builder takes everything
}

func (v driftView) application(b *strings.Builder, app v1alpha1.Application) {
	last := ""
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
			v.field(b, fieldOf(c))
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

// fieldOf is a change of the status as the comparison told it.
func fieldOf(c v1alpha1.DriftChange) drift.Field {
	f := drift.Field{
		Path: c.Path, Desired: decoded(c.Desired), Live: decoded(c.Live),
		Class: drift.Class(c.Class), Manager: c.Manager, Operation: c.Operation,
	}
	if c.Time != nil {
		f.Time = &c.Time.Time
	}
	return f
}

func decoded(j *apiextensionsv1.JSON) any {
	if j == nil {
		return nil
	}
	var v any
	if err := json.Unmarshal(j.Raw, &v); err != nil {
		return string(j.Raw)
	}
	return v
}
