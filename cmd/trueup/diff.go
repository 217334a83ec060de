package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/schema"
)

type diffOptions struct {
	desired, live string
	output        string
	all           bool
}

func newDiffCommand(s streams) *cobra.Command {
	var o diffOptions
	cmd := &cobra.Command{
		Use:   "diff --desired FILE --live FILE",
		Short: "Compare desired with live objects, field by field, and say who changed what",
		Long: `Compare desired with live objects, field by field, and say who changed what.

LIVE is what 'kubectl get -o yaml --show-managed-fields' prints. FILE may be - for standard input.
Exits with 0 when everything is in sync, 3 when something differs, 1 when a file cannot be read.`,
		Example: `  kubectl get deploy,svc -n shop -o yaml --show-managed-fields > live.yaml
  trueup diff --desired shop.yaml --live live.yaml`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return diff(o, s) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.desired, "desired", "", "file with the desired objects")
	flags.StringVar(&o.live, "live", "", "file with the live objects, with managed fields")
	flags.StringVarP(&o.output, "output", "o", "text", "text, json, yaml or name")
	flags.BoolVar(&o.all, "all", false, "also show what a sync would leave alone")
	return cmd
}

func diff(o diffOptions, s streams) error {
	if o.desired == "" || o.live == "" {
		return usagef("diff needs --desired FILE and --live FILE")
	}
	if o.desired == "-" && o.live == "-" {
		return usagef("only one of --desired and --live can be standard input")
	}
	if err := oneOf("--output", o.output, "text", "json", "yaml", "name"); err != nil {
		return err
	}
	desired, errDesired := readObjects(o.desired, s.in)
	live, errLive := readObjects(o.live, s.in)
	if err := errors.Join(errDesired, errLive); err != nil {
		return err
	}
	schemas, err := schema.Builtin()
	if err != nil {
		return fmt.Errorf("load the built-in schema: %w", err)
	}
	report := drift.Compare(drift.Input{Desired: desired, Live: live, Schemas: schemas})
	if err := printReport(report, o, s); err != nil {
		return err
	}
	for _, object := range report.Objects {
		if object.State != drift.InSync {
			return exitCode(exitDrift)
		}
	}
	return nil
}

// readObjects reads every object of a file; - is standard input.
func readObjects(name string, in io.Reader) ([]*unstructured.Unstructured, error) {
	if name == "-" {
		return drift.Parse(in, "standard input")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read objects: %w", err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	return drift.Parse(f, name)
}

func printReport(report drift.Report, o diffOptions, s streams) error {
	if done, err := printData(s.out, o.output, report); done {
		return err
	}
	if o.output == "name" {
		return printNames(s.out, report)
	}
	return printDrift(s.out, report, printing{palette: palette(s.color), all: o.all, times: time.DateOnly + " 15:04", next: "trueup diff --all"})
}

func printNames(w io.Writer, report drift.Report) error {
	for _, o := range report.Objects {
		if o.State == drift.InSync {
			continue
		}
		if _, err := fmt.Fprintln(w, o.Key().String()); err != nil {
			return err
		}
	}
	return nil
}
