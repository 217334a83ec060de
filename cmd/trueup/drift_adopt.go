package main

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-dev/trueup/adopt"
	"github.com/trueup-dev/trueup/adopt/patch"
	"github.com/trueup-dev/trueup/adopt/proposal"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/output"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/scm"
	"github.com/trueup-dev/trueup/reconcile"
)

// tokenVariable holds a forge's token, for repositories whose credentials are
// none.
const tokenVariable = "TRUEUP_FORGE_TOKEN"

type adoptOptions struct {
	diffOptions
	adopt.Selection
	branch, base    string
	force           bool
	print           bool
	message, author string
	forge, forgeURL string
	server, output  string
}

func newDriftAdoptCommand(s streams) *cobra.Command {
	var o adoptOptions
	cmd := &cobra.Command{
		Use:   "adopt APP [--object KIND/NAME] [--path PATH]",
		Short: "Write live values back to Git: on a branch, with a pull request",
		Long: `Write live values back to the files that declare them, on a new branch, and open a pull request that tells who changed what, and when.

Plain manifests change in place, comments kept. A kustomization gets the value where it sets it already (images, replicas, a patch), in a
file of its own folder, or as a patch beside it. For a chart, the one value that drives the field is found by trying, and changed in the
application's value file. Every change is proved by rendering: the live value comes out at that path, and nothing else changes. What
cannot be had in that way is told with its reason: 'trueup drift accept' lets such a difference stay until a date.

By default this is about what hands changed of what Git declares. Values of Secrets are never written.

It needs access to the destination, and a right to push. The pull request is opened with the token of the repository's credentials (the
password, the bearer token or the GitHub App), or with that of the environment variable ` + tokenVariable + `. Where the repository's
host does not tell which forge it is, --forge does; without a forge a patch is printed.

Exits with 0 when all was adopted, 3 when something was not.`,
		Example: `  trueup drift adopt shop
  trueup drift adopt shop --object Deployment/web --path spec.replicas -m "Keep five for the sale"
  trueup drift adopt shop --print | git apply
  trueup drift adopt shop --object ConfigMap/old   # was deleted: Git drops it, too`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return adoptDrift(cmd.Context(), o, args[0], s) },
	}
	cmd.ValidArgsFunction = o.complete(1)
	flags := cmd.Flags()
	o.flags(flags)
	flags.StringVar(&o.Object, "object", "", "only this object, as KIND/NAME or KIND/NAMESPACE/NAME")
	flags.StringArrayVar(&o.Paths, "path", nil, "only this field, as reports print it, and what is below it, of whatever class (repeatable)")
	flags.BoolVar(&o.Undeclared, "undeclared", false, "also write fields that only live has")
	flags.StringVar(&o.branch, "branch", "", "name of the new branch; by default trueup/adopt-APP- and a hash of the values")
	flags.BoolVar(&o.force, "force", false, "replace the branch of --branch where it is there, unless it moves meanwhile")
	flags.StringVar(&o.base, "base", "", "branch that the change is for; by default the application's")
	flags.BoolVar(&o.print, "print", false, "print a patch, and push nothing")
	flags.StringVarP(&o.message, "message", "m", "", "title of the commit and of the pull request; what follows its first line goes into the commit")
	flags.StringVar(&o.author, "author", "trueup <noreply@trueup.dev>", "author of the commit")
	flags.StringVar(&o.forge, "forge", "", "kind of the forge, where the host does not tell: "+strings.Join(scm.Kinds(), ", "))
	flags.StringVar(&o.forgeURL, "forge-url", "", "address of the forge's API, where it does not follow from the repository's")
	flags.StringVar(&o.server, "server", os.Getenv("TRUEUP_SERVER"), "address of the agent's API, for the timeline; by default $TRUEUP_SERVER")
	flags.StringVarP(&o.output, "output", "o", "text", "text or json")
	flags.StringArrayVar(&o.repos, "repo", nil, "read repository URL from local directory DIR (URL=DIR, repeatable); a patch is printed for it")
	flags.BoolVar(&o.charts, "enable-helm", false, "render helmCharts of kustomizations")
	o.web.flags(flags)
	o.sops.flags(flags)
	return cmd
}

// check reads the flags, and tells all that is wrong with them.
func (o adoptOptions) check() (mail.Address, error) {
	var errs []error
	if o.output != "text" && o.output != "json" {
		errs = append(errs, fmt.Errorf("--output %q is neither text nor json", o.output))
	}
	author, err := mail.ParseAddress(o.author)
	if err != nil || author.Name == "" {
		errs = append(errs, fmt.Errorf("--author %q: want Name <address>", o.author))
		author = &mail.Address{}
	}
	if o.forge != "" && !slices.Contains(scm.Kinds(), o.forge) {
		errs = append(errs, fmt.Errorf("--forge %q is not one of %s", o.forge, strings.Join(scm.Kinds(), ", ")))
	}
	if o.force && o.branch == "" {
		errs = append(errs, errors.New("--force is for a --branch that is named"))
	}
	if o.print && o.branch != "" {
		errs = append(errs, errors.New("--print pushes nothing: leave --branch out"))
	}
	if slices.Contains(o.Paths, "") {
		errs = append(errs, errors.New("--path is empty"))
	}
	return *author, errors.Join(errs...)
}

func adoptDrift(ctx context.Context, o adoptOptions, name string, s streams) error {
	author, err := o.check()
	if err != nil {
		return usageError{err}
	}
	apps, err := o.applications(ctx, []string{name})
	if err != nil {
		return err
	}
	app := &apps[0]
	schemas, err := schema.Builtin()
	if err != nil {
		return fmt.Errorf("load the built-in schema: %w", err)
	}
	flow, repos, done, err := o.flow(schemas)
	if err != nil {
		return err
	}
	defer done()
	plan, err := o.plan(ctx, flow, app)
	if err != nil {
		return fmt.Errorf("adopt drift of %s: %w", name, err)
	}
	told := proposal.Input{
		App: name, Namespace: app.Namespace, Cluster: destinationOf(app), Adopted: plan.Adopted, Refused: plan.Refused,
		Message: o.message, Trailer: reconcile.Adopts,
	}
	for _, r := range plan.Refused {
		fmt.Fprintf(s.err, "not adopted: %s: %s\n", strings.TrimSpace(r.Key.Short()+" "+output.Value(r.Path)), r.Reason)
	}
	if len(plan.Edits) == 0 {
		if len(plan.Refused) > 0 {
			fmt.Fprintf(s.err, "(nothing is adopted; what may stay is accepted by: trueup drift accept %s --object KIND/NAME --path PATH --until DATE --reason TEXT)\n", name)
			return exitCode(exitDrift)
		}
		fmt.Fprintln(s.err, "nothing differs that could be adopted")
		return nil
	}
	told.Others = o.others(ctx, flow, app, plan.Edits, s)
	if len(told.Others) > 0 {
		fmt.Fprintf(s.err, "warning: other applications read what is changed: %s\n", strings.Join(told.Others, ", "))
	}
	if told.Timeline, err = o.timeline(ctx, app, plan.Adopted); err != nil {
		fmt.Fprintf(s.err, "warning: the timeline is left out: %v\n", err)
	}
	d := delivery{adoptOptions: o, author: author, repos: repos, told: told, s: s, now: time.Now()}
	if d.credentials, err = o.credentials(); err != nil {
		return err
	}
	if err := d.deliver(ctx, plan.Edits); err != nil {
		return fmt.Errorf("adopt drift of %s: %w", name, err)
	}
	if len(plan.Refused) > 0 {
		return exitCode(exitDrift)
	}
	return nil
}

func destinationOf(app *v1alpha1.Application) string {
	if app.Spec.Destination.Name != "" {
		return app.Spec.Destination.Name
	}
	return app.Spec.Destination.Server
}

// plan compares, picks and finds the edits.
func (o adoptOptions) plan(ctx context.Context, flow *reconcile.Flow, app *v1alpha1.Application) (adopt.Plan, error) {
	seen, err := flow.Inspect(ctx, app)
	if err != nil {
		return adopt.Plan{}, err
	}
	wanted, refused, err := adopt.Select(seen.Report, o.Selection)
	if err != nil {
		return adopt.Plan{}, err
	}
	plan, err := adopt.Make(ctx, adopt.Input{Sources: seen.Sources, Renderer: flow.Renderer, Wanted: wanted, Schemas: seen.Schemas})
	plan.Refused = append(refused, plan.Refused...)
	return plan, err
}

// printPatch writes edits as a patch.
func printPatch(s streams, edits []adopt.Edit) error {
	var files []patch.File
	for _, e := range edits {
		files = append(files, patch.File{Path: e.Path, Before: e.Before, After: e.After})
	}
	return patch.Write(s.out, files)
}
