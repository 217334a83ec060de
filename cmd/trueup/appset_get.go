package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/lifecycle"
)

func newAppSetGetCommand(s streams) *cobra.Command {
	var c connection
	var output string
	cmd := &cobra.Command{
		Use:   "get [SET]",
		Short: "List ApplicationSets with what is wrong and what is held, or tell all about one",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("--output", output, "table", "json", "yaml", "name"); err != nil {
				return err
			}
			return getSets(cmd.Context(), &c, args, output, s)
		},
	}
	cmd.ValidArgsFunction = c.completeSets
	c.flags(cmd.Flags())
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table, json, yaml or name")
	return cmd
}

// sets reads the named set, or all of the namespace.
func (c *connection) sets(ctx context.Context, names []string) ([]v1alpha1.ApplicationSet, error) {
	k, err := c.client()
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		var list v1alpha1.ApplicationSetList
		if err := k.List(ctx, &list, client.InNamespace(c.namespace)); err != nil {
			return nil, fmt.Errorf("list ApplicationSets in %s: %w", c.namespace, err)
		}
		return list.Items, nil
	}
	var set v1alpha1.ApplicationSet
	if err := k.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: names[0]}, &set); err != nil {
		return nil, fmt.Errorf("get ApplicationSet %s: %w", names[0], err)
	}
	return []v1alpha1.ApplicationSet{set}, nil
}

// completeSets offers the names of sets to the shell.
func (c *connection) completeSets(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	sets, err := c.sets(cmd.Context(), nil)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, set := range sets {
		names = append(names, set.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func getSets(ctx context.Context, c *connection, names []string, output string, s streams) error {
	sets, err := c.sets(ctx, names)
	if err != nil {
		return err
	}
	for i := range sets {
		sets[i].ManagedFields = nil
		sets[i].APIVersion, sets[i].Kind = v1alpha1.GroupVersion().String(), "ApplicationSet"
	}
	if done, err := printData(s.out, output, map[string]any{"apiVersion": "v1", "kind": "List", "items": sets}); done {
		return err
	}
	if output == "name" {
		for _, set := range sets {
			fmt.Fprintln(s.out, set.Name)
		}
		return nil
	}
	if len(names) == 0 {
		return printSetTable(s.out, sets, time.Now())
	}
	apps, err := c.applications(ctx, nil)
	if err != nil {
		return err
	}
	apps = slices.DeleteFunc(apps, func(app v1alpha1.Application) bool { return !metav1.IsControlledBy(&app, &sets[0]) })
	return printSet(s.out, &sets[0], apps, palette(s.color), time.Now())
}

func printSetTable(w io.Writer, sets []v1alpha1.ApplicationSet, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tAPPLICATIONS\tHEALTH\tHELD\tAGE\tMESSAGE")
	for i := range sets {
		set := &sets[i]
		held := "-"
		if h := set.Status.Held; h != nil {
			held = strconv.FormatInt(h.Count, 10)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\n", set.Name, set.Status.ResourcesCount, setHealth(set), held,
			duration.HumanDuration(now.Sub(set.CreationTimestamp.Time)), setMessage(set))
	}
	return t.Flush()
}

func setHealth(set *v1alpha1.ApplicationSet) string {
	if set.Status.Health == nil {
		return "-"
	}
	return or(set.Status.Health.Status)
}

// setMessage is the first thing that is wrong, on one line.
func setMessage(set *v1alpha1.ApplicationSet) string {
	for _, kind := range []string{lifecycle.ErrorOccurred, lifecycle.DeletionHeld} {
		for _, c := range set.Status.Conditions {
			if c.Type == kind && c.Status == metav1.ConditionTrue {
				line, _, more := strings.Cut(c.Message, "\n")
				if more {
					line += " …"
				}
				return line
			}
		}
	}
	return ""
}

// printSet tells all about one set.
func printSet(w io.Writer, set *v1alpha1.ApplicationSet, apps []v1alpha1.Application, p palette, now time.Time) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s, %s, %s old\n", p.bold(set.Name), plural(len(apps), "application"), setHealth(set),
		duration.HumanDuration(now.Sub(set.CreationTimestamp.Time)))
	if len(set.Status.Generators) > 0 {
		b.WriteString("\nGenerators\n")
		for _, g := range set.Status.Generators {
			fmt.Fprintf(&b, "  %s  %s\n", g.Path, plural(int(g.ParameterSets), "parameter set"))
		}
	}
	if len(apps) > 0 {
		b.WriteString("\nApplications\n")
		steps := map[string]v1alpha1.ApplicationSetApplicationStatus{}
		for _, st := range set.Status.ApplicationStatus {
			steps[st.Application] = st
		}
		slices.SortFunc(apps, func(a, b v1alpha1.Application) int { return cmp.Compare(a.Name, b.Name) })
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, app := range apps {
			row := fmt.Sprintf("  %s\t%s\t%s\t%s", app.Name, destination(app), or(string(app.Status.Sync.Status)), or(app.Status.Health.Status))
			if st, ok := steps[app.Name]; ok {
				row += "\t" + rollStep(st)
			}
			fmt.Fprintln(t, row)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if h := set.Status.Held; h != nil {
		fmt.Fprintf(&b, "\n%s %s\n", p.yellow("Held"), h.Reason)
		for _, name := range h.Applications {
			fmt.Fprintf(&b, "  %s\n", name)
		}
		fmt.Fprintf(&b, "  next: trueup appset confirm %s\n", set.Name)
	}
	if len(set.Status.Conditions) > 0 {
		b.WriteString("\nConditions\n")
	}
	for _, c := range set.Status.Conditions {
		line := fmt.Sprintf("  %s=%s", c.Type, c.Status)
		if c.Type == lifecycle.ErrorOccurred && c.Status == metav1.ConditionTrue {
			line = p.red(line)
		}
		fmt.Fprintf(&b, "%s  %s\n", line, indented(c.Message))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func rollStep(st v1alpha1.ApplicationSetApplicationStatus) string {
	if st.Step == "" || st.Step == "-1" {
		return "in no step"
	}
	return "step " + st.Step + " " + st.Status
}
