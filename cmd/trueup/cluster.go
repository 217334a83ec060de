package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/kube"
)

func newClusterCommand(s streams) *cobra.Command {
	return group("cluster", "Register clusters that applications can go to", newClusterListCommand(s), newClusterAddCommand(s))
}

// clusterRow is one cluster as the list shows it.
type clusterRow struct {
	Name    string `json:"name"`
	Server  string `json:"server"`
	Message string `json:"message,omitempty"`
}

func newClusterListCommand(s streams) *cobra.Command {
	var c connection
	var output string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List registered clusters",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneOf("--output", output, "table", "json", "yaml", "name"); err != nil {
				return err
			}
			rows, err := c.clusters(cmd.Context())
			if err != nil {
				return err
			}
			return printClusters(s.out, output, rows)
		},
	}
	c.flags(cmd.Flags())
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table, json, yaml or name")
	return cmd
}

// clusters are the local cluster, unless a secret claims it, and the
// registered ones.
func (c *connection) clusters(ctx context.Context) ([]clusterRow, error) {
	k, err := c.client()
	if err != nil {
		return nil, err
	}
	var list corev1.SecretList
	if err := k.List(ctx, &list, client.InNamespace(c.namespace), client.MatchingLabels{kube.SecretTypeLabel: kube.SecretCluster}); err != nil {
		return nil, fmt.Errorf("list cluster secrets in %s: %w", c.namespace, err)
	}
	var rows []clusterRow
	for i := range list.Items {
		r, err := kube.FromSecret(&list.Items[i])
		row := clusterRow{Name: r.Name, Server: r.Server}
		if err != nil {
			row.Message = err.Error()
		}
		rows = append(rows, row)
	}
	if !slices.ContainsFunc(rows, func(r clusterRow) bool { return r.Server == appset.LocalServer }) {
		rows = slices.Insert(rows, 0, clusterRow{Name: appset.LocalName, Server: appset.LocalServer})
	}
	return rows, nil
}

func printClusters(w io.Writer, output string, rows []clusterRow) error {
	if done, err := printData(w, output, map[string]any{"clusters": rows}); done {
		return err
	}
	if output == "name" {
		for _, r := range rows {
			fmt.Fprintln(w, r.Name)
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tSERVER\tMESSAGE")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\n", r.Name, r.Server, r.Message)
	}
	return t.Flush()
}

type clusterAdd struct {
	connection
	from   string
	name   string
	labels map[string]string
}

func newClusterAddCommand(s streams) *cobra.Command {
	var o clusterAdd
	cmd := &cobra.Command{
		Use:   "add CONTEXT",
		Short: "Register the cluster of a kubeconfig context, with the context's own credentials",
		Example: `  trueup cluster add eu-1 --label region=eu
  trueup cluster add admin --from edge.kubeconfig --name edge`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return addCluster(cmd.Context(), o, args[0], s) },
	}
	flags := cmd.Flags()
	o.flags(flags)
	flags.StringVar(&o.from, "from", "", "kubeconfig file that holds CONTEXT; by default the same as for the applications")
	flags.StringVar(&o.name, "name", "", "name of the cluster; by default CONTEXT")
	flags.StringToStringVar(&o.labels, "label", nil, "label for cluster generators (key=value, repeatable)")
	return cmd
}

func addCluster(ctx context.Context, o clusterAdd, from string, s streams) error {
	file := o.from
	if file == "" {
		file = o.kubeconfig
	}
	config, err := restConfig(file, from)
	if err != nil {
		return err
	}
	if o.name == "" {
		o.name = from
	}
	secret, err := kube.ToSecret(o.namespace, o.name, config)
	if err != nil {
		return fmt.Errorf("register %s: %w", o.name, err)
	}
	for key, value := range o.labels {
		secret.Labels[key] = value
	}
	k, err := o.client()
	if err != nil {
		return err
	}
	if err := k.Create(ctx, secret); err != nil {
		return fmt.Errorf("register %s: %w", o.name, err)
	}
	fmt.Fprintf(s.err, "registered %s (%s)\n", o.name, config.Host)
	return nil
}
