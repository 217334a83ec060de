package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
)

func newGetCommand(s streams) *cobra.Command {
	var c connection
	var output string
	cmd := &cobra.Command{
		Use:   "get [APP...]",
		Short: "List applications with sync, health and drift",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("--output", output, "table", "json", "yaml", "name"); err != nil {
				return err
			}
			apps, err := c.applications(cmd.Context(), args)
			if err != nil {
				return err
			}
			if k, err := c.client(); err == nil && output == "table" {
				nameClusters(cmd.Context(), k, c.namespace, apps)
			}
			return printApplications(s, output, apps)
		},
	}
	cmd.ValidArgsFunction = c.complete(0)
	c.flags(cmd.Flags())
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table, json, yaml or name")
	return cmd
}

// applications reads the named applications, or all of the namespace.
func (c *connection) applications(ctx context.Context, names []string) ([]v1alpha1.Application, error) {
	k, err := c.client()
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		var list v1alpha1.ApplicationList
		if err := k.List(ctx, &list, client.InNamespace(c.namespace)); err != nil {
			return nil, fmt.Errorf("list applications in %s: %w", c.namespace, err)
		}
		return list.Items, nil
	}
	var out []v1alpha1.Application
	for _, name := range names {
		var app v1alpha1.Application
		if err := k.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: name}, &app); err != nil {
			return nil, fmt.Errorf("get application %s: %w", name, err)
		}
		out = append(out, app)
	}
	return out, nil
}

func printApplications(s streams, output string, apps []v1alpha1.Application) error {
	for i := range apps {
		apps[i].ManagedFields = nil
		apps[i].APIVersion, apps[i].Kind = v1alpha1.GroupVersion().String(), "Application"
	}
	if done, err := printData(s.out, output, map[string]any{"apiVersion": "v1", "kind": "List", "items": apps}); done {
		return err
	}
	if output == "name" {
		for _, app := range apps {
			if _, err := fmt.Fprintln(s.out, app.Name); err != nil {
				return err
			}
		}
		return nil
	}
	return printTable(s.out, apps, time.Now())
}

func printTable(w io.Writer, apps []v1alpha1.Application, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tCLUSTER\tSYNC\tHEALTH\tDRIFT\tREVISION\tAGE\tMESSAGE")
	for _, app := range apps {
		st := app.Status
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", app.Name, destination(app), or(string(st.Sync.Status)), or(st.Health.Status),
			driftCell(st.Drift), or(revision(app)), duration.HumanDuration(now.Sub(app.CreationTimestamp.Time)), message(app))
	}
	return t.Flush()
}

func destination(app v1alpha1.Application) string {
	switch d := app.Spec.Destination; {
	case d.Name != "":
		return d.Name
	case d.Server == appset.LocalServer:
		return appset.LocalName
	default:
		return d.Server
	}
}

func driftCell(d *v1alpha1.DriftSummary) string {
	switch {
	case d == nil:
		return "-"
	case d.Objects == 0:
		return "0"
	case d.Fields == 0:
		return plural(d.Objects, "object")
	}
	return strconv.Itoa(d.Fields)
}

// message is the first thing that is wrong, on one line.
func message(app v1alpha1.Application) string {
	for _, c := range app.Status.Conditions {
		if c.Type != "Ready" && c.Status == "True" && c.Message != "" {
			line, _, _ := strings.Cut(c.Message, "\n")
			return c.Type + ": " + line
		}
	}
	return app.Status.Health.Message
}

// revision is the commit of an application, or those of its sources.
func revision(app v1alpha1.Application) string {
	all := app.Status.Sync.Revisions
	if len(all) == 0 {
		all = []string{app.Status.Sync.Revision}
	}
	var out []string
	for _, sha := range all {
		out = append(out, short(sha))
	}
	return strings.Join(out, ",")
}

func short(sha string) string { return sha[:min(7, len(sha))] }

func or(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
