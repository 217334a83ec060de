package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
)

func newAppSetCommand(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "appset",
		Short: "Expand ApplicationSets",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAppSetGenerateCommand(s))
	return cmd
}

type generateOptions struct {
	file     string
	clusters string
	repos    []string
	output   string
}

func newAppSetGenerateCommand(s streams) *cobra.Command {
	var o generateOptions
	cmd := &cobra.Command{
		Use:   "generate SET.yaml",
		Short: "Print the Applications that ApplicationSets expand to, without any cluster",
		Long: `Print the Applications that ApplicationSets expand to, without any cluster.

On any error nothing is printed to standard output and the exit code is 1.`,
		Example: `  trueup appset generate shop.yaml --clusters clusters.yaml
  trueup appset generate shop.yaml --repo https://git.example.com/config.git=. -o name`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.file = args[0]
			return generate(cmd.Context(), o, s)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.clusters, "clusters", "", "file with cluster Secrets, for the cluster generator")
	flags.StringArrayVar(&o.repos, "repo", nil, "read repository URL from local directory DIR (URL=DIR, repeatable)")
	flags.StringVarP(&o.output, "output", "o", "yaml", "yaml, json or name")
	return cmd
}

func generate(ctx context.Context, o generateOptions, s streams) error {
	if err := oneOf("--output", o.output, "yaml", "json", "name"); err != nil {
		return err
	}
	docs, err := readDocuments(o.file, s)
	if err != nil {
		return err
	}
	if len(docs.ApplicationSets) == 0 {
		return fault.New(fault.Invalid, "%s holds no ApplicationSet", o.file)
	}
	world, closeWorld, err := offlineWorld(o, s.in)
	if err != nil {
		return err
	}
	defer closeWorld()
	var objects []*unstructured.Unstructured
	var errs []error
	for i := range docs.ApplicationSets {
		expanded, err := expand(ctx, &docs.ApplicationSets[i], world, s)
		errs = append(errs, err)
		objects = append(objects, expanded...)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return printObjects(s.out, o.output, objects)
}
