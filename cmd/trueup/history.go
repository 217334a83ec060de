package main

import (
	"fmt"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

func newHistoryCommand(s streams) *cobra.Command {
	var c connection
	var output string
	cmd := &cobra.Command{
		Use:   "history APP",
		Short: "List the syncs of an application that succeeded, the newest first",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("--output", output, "table", "json", "yaml"); err != nil {
				return err
			}
			apps, err := c.applications(cmd.Context(), args)
			if err != nil {
				return err
			}
			return printHistory(s, output, apps[0])
		},
	}
	c.flags(cmd.Flags())
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table, json or yaml")
	return cmd
}

func printHistory(s streams, output string, app v1alpha1.Application) error {
	all := slices.Clone(app.Status.History)
	slices.Reverse(all)
	if done, err := printData(s.out, output, map[string]any{"application": app.Name, "history": all}); done {
		return err
	}
	t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tREVISION\tSYNCED\tBY")
	for _, h := range all {
		by := h.InitiatedBy.Username
		if h.InitiatedBy.Automated {
			by = "automated"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", strconv.FormatInt(h.ID, 10), short(h.Revision), h.DeployedAt.UTC().Format(time.DateTime), or(by))
	}
	return t.Flush()
}
