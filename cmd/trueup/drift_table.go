package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/drift/output"
)

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
		d, seen := app.Status.Drift, output.FromStatus(&app)
		since := "-"
		if d.Since != nil {
			since = age(v.now, d.Since.Time)
		}
		name := app.Name
		if all := more[name]; all != "" {
			name = all
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", name, destination(app), seen.Extent(), since, or(strings.Join(d.By, ", ")))
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
				symbol, note = v.palette.green("+"), strings.TrimSuffix("  in Git, and deleted from the cluster "+output.By(audit.Shown(c)), " ")
			}
			fmt.Fprintf(b, "%s %s%s  %s\n", symbol, v.palette.bold(subject), note, v.palette.dim(app.Name+" at git "+revision(app)+describedAt(app, c)))
			last = subject
		}
		if f := output.FieldOf(c); c.Path != "" {
			v.field(b, f)
		} else if by := output.Declared(f.Declared); by != "" {
			fmt.Fprintf(b, "    %s\n", v.palette.dim(by))
		}
	}
	if last != "" {
		b.WriteByte('\n')
	}
	seen := output.FromStatus(&app)
	for _, o := range seen.Left() {
		v.object(b, o)
	}
}

// describedAt is the file and line that describe a changed object.
func describedAt(app v1alpha1.Application, c v1alpha1.DriftChange) string {
	for _, r := range app.Status.Resources {
		if r.Group == c.Group && r.Kind == c.Kind && r.Namespace == c.Namespace && r.Name == c.Name && r.Origin != "" {
			return ", " + r.Origin
		}
	}
	return ""
}
