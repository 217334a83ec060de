package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/trueup-dev/trueup/api/document"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/lifecycle"
	"github.com/trueup-dev/trueup/internal/fault"
)

func newAppSetCommand(s streams) *cobra.Command {
	return group("appset", "Expand ApplicationSets, and see what they do",
		newAppSetGenerateCommand(s), newAppSetDiffCommand(s), newAppSetGetCommand(s), newAppSetConfirmCommand(s))
}

type generateOptions struct {
	worldOptions
	output  string
	explain bool
}

func newAppSetGenerateCommand(s streams) *cobra.Command {
	var o generateOptions
	cmd := &cobra.Command{
		Use:   "generate SET.yaml",
		Short: "Print the Applications that ApplicationSets expand to, without any cluster",
		Long: `Print the Applications that ApplicationSets expand to, without any cluster.

What generators would ask a cluster comes from files: --clusters for cluster Secrets, --objects for the Secrets, ConfigMaps and decision
objects that generators name. Repositories, forges and plugins are asked, unless --repo puts a directory in a repository's place.

On any error nothing is printed to standard output and the exit code is 1. All errors are told, each with its place in the file.`,
		Example: `  trueup appset generate shop.yaml --clusters clusters.yaml
  trueup appset generate shop.yaml --repo https://git.example.com/config.git=. -o name
  trueup appset generate shop.yaml --clusters clusters.yaml --explain`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			allowed := []string{"yaml", "json", "name"}
			if o.explain {
				allowed = []string{"text", "json", "yaml"}
				if !cmd.Flags().Changed("output") {
					o.output = "text"
				}
			}
			if err := oneOf("--output", o.output, allowed...); err != nil {
				return err
			}
			return generate(cmd.Context(), o, args[0], s)
		},
	}
	flags := cmd.Flags()
	o.flags(flags)
	flags.StringVarP(&o.output, "output", "o", "yaml", "yaml, json or name")
	flags.BoolVar(&o.explain, "explain", false, "print which generator, with which parameters, made each application and each field (text, or -o json|yaml)")
	return cmd
}

func generate(ctx context.Context, o generateOptions, file string, s streams) error {
	sets, err := readSets(file, s)
	if err != nil {
		return err
	}
	world, done, err := o.offline(s)
	if err != nil {
		return err
	}
	defer done()
	world.Literals = o.explain
	expanded, err := sets.expand(ctx, world, s)
	if err != nil {
		return err
	}
	if o.explain {
		return printOrigins(s, o.output, sets, expanded)
	}
	var objects []*unstructured.Unstructured
	for _, result := range expanded {
		for i := range result.Applications {
			u, err := plainObject(&result.Applications[i])
			if err != nil {
				return err
			}
			objects = append(objects, u)
		}
	}
	return printObjects(s.out, o.output, objects)
}

// setFile is a file of ApplicationSets.
type setFile struct {
	docs document.Documents
}

func readSets(name string, s streams) (setFile, error) {
	docs, err := readDocuments(name, s)
	if err != nil {
		return setFile{}, err
	}
	if len(docs.ApplicationSets) == 0 {
		return setFile{}, fault.New(fault.Invalid, "%s holds no ApplicationSet", name)
	}
	return setFile{docs}, nil
}

// at is the place of a field of a set in the file.
func (f setFile) at(set int, path string) string {
	return f.docs.SetPlace(set, path)
}

// expand expands all sets. What one set rejects is an error as well: who
// expands a set from files wants to know before the agent does.
func (f setFile) expand(ctx context.Context, world appset.World, s streams) ([]appset.Result, error) {
	var out []appset.Result
	var errs []error
	for i := range f.docs.ApplicationSets {
		set := &f.docs.ApplicationSets[i]
		result, err := appset.Generate(ctx, set, world)
		if err == nil {
			f.warn(i, result, s.err)
			err = rejected(result)
		}
		errs = append(errs, f.explained(i, errors.Join(err, lifecycle.CheckSettings(set))))
		out = append(out, result)
	}
	return out, errors.Join(errs...)
}

// warn prints what has no effect, with its line where it has a place.
func (f setFile) warn(set int, result appset.Result, w io.Writer) {
	for _, text := range result.Warnings {
		if place, _, ok := strings.Cut(text, ": "); ok && !strings.Contains(place, " ") {
			text = f.at(set, "spec."+place) + ": " + text
		}
		fmt.Fprintf(w, "warning: ApplicationSet %s: %s\n", f.docs.ApplicationSets[set].Name, text)
	}
}

func rejected(result appset.Result) error {
	var errs []error
	for _, r := range result.Rejected {
		what := "an application"
		if r.Name != "" {
			what = "the application " + r.Name
		}
		for _, p := range appset.Problems(r.Err) {
			if p.Place != "" { // that of a template
				errs = append(errs, placedError{p.Place, fmt.Errorf("%s of %s: %w", what, r.Generator, p.Err)})
			} else if r.Name != "" {
				errs = append(errs, placedError{r.Generator, fmt.Errorf("%s: %w", what, p.Err)})
			} else {
				errs = append(errs, placedError{r.Generator, p.Err})
			}
		}
	}
	for i := range result.Applications {
		if err := lifecycle.CheckApplication(&result.Applications[i]); err != nil {
			errs = append(errs, placedError{result.Explained[i].Origin.Generator, fmt.Errorf("the application %s: %w", result.Applications[i].Name, err)})
		}
	}
	return errors.Join(errs...)
}

// placedError is an error of a generator.
type placedError struct {
	place string
	err   error
}

func (p placedError) Error() string { return p.place + ": " + p.err.Error() }
func (p placedError) Unwrap() error { return p.err }

// explained puts the file and line of its generator before each error of a
// set.
func (f setFile) explained(set int, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "expand ApplicationSet %s:", f.docs.ApplicationSets[set].Name)
	for _, p := range problems(err) {
		path, place := "", ""
		if p.Place != "" {
			path, place = "spec."+p.Place, p.Place+": "
		} else if at, _, ok := strings.Cut(p.Err.Error(), ": "); ok && strings.HasPrefix(at, "spec.") {
			path = at // it says it itself
		}
		fmt.Fprintf(&b, "\n  %s: %s%s", f.at(set, path), place, indented(p.Err.Error()))
	}
	return fault.New(fault.Of(err), "%s", b.String())
}

func problems(err error) []appset.Problem {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []appset.Problem
		for _, e := range joined.Unwrap() {
			out = append(out, problems(e)...)
		}
		return out
	}
	if p, ok := err.(placedError); ok { //nolint:errorlint // only the error itself
		return []appset.Problem{{Place: p.place, Err: p.err}}
	}
	return appset.Problems(err)
}

func indented(text string) string { return strings.ReplaceAll(text, "\n", "\n    ") }

// plainObject is an Application as somebody would write it.
func plainObject(app *v1alpha1.Application) (*unstructured.Unstructured, error) {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(app)
	if err != nil {
		return nil, fmt.Errorf("print application %s: %w", app.Name, err)
	}
	unstructured.RemoveNestedField(object, "metadata", "creationTimestamp")
	unstructured.RemoveNestedField(object, "status")
	return &unstructured.Unstructured{Object: object}, nil
}
