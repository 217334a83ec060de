package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/object"
)

type syncOptions struct {
	connection
	revision      string
	prune, dryRun bool
	wait          bool
	timeout       time.Duration
	output        string
	drift         driftedOptions
}

func newSyncCommand(s streams) *cobra.Command {
	var o syncOptions
	cmd := &cobra.Command{
		Use:   "sync APP",
		Short: "Have the agent sync an application now, and wait for it",
		Long: `Have the agent sync an application now, and wait for it.

With --drifted it puts back what somebody else changed, and nothing else: what Git changed since the last sync stays as it is live, nothing is
pruned, and of what is missing only what was deleted from the cluster comes back. What is going to be reverted is shown first, and asked about.`,
		Example: `  trueup sync shop
  trueup sync shop --drifted
  trueup sync shop --drifted --object Deployment/web --path spec.replicas --yes
  trueup sync shop --drifted --undeclared --dry-run`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("--output", o.output, "text", "json", "yaml", "name"); err != nil {
				return err
			}
			if err := o.drift.check(o); err != nil {
				return err
			}
			return syncApplication(cmd.Context(), o, args[0], s)
		},
	}
	cmd.ValidArgsFunction = o.complete(1)
	flags := cmd.Flags()
	o.flags(flags)
	flags.StringVar(&o.revision, "revision", "", "sync to this revision instead of the application's")
	flags.BoolVar(&o.prune, "prune", false, "delete what Git has no more")
	o.drift.flags(flags)
	flags.BoolVar(&o.dryRun, "dry-run", false, "change nothing")
	flags.StringVarP(&o.output, "output", "o", "text", "what became of each object: text, json, yaml or name")
	flags.BoolVar(&o.wait, "wait", true, "wait until the application is synced and healthy")
	flags.DurationVar(&o.timeout, "timeout", 5*time.Minute, "give up waiting after this long")
	return cmd
}

func syncApplication(ctx context.Context, o syncOptions, name string, s streams) error {
	k, err := o.client()
	if err != nil {
		return err
	}
	var app v1alpha1.Application
	key := client.ObjectKey{Namespace: o.namespace, Name: name}
	if err := k.Get(ctx, key, &app); err != nil {
		return fmt.Errorf("get application %s: %w", name, err)
	}
	if app.Operation != nil {
		return fmt.Errorf("sync %s: another sync was asked for and has not begun", name)
	}
	if app.Spec.SyncPolicy.IsAutomated() && o.revision != "" && o.revision != app.Spec.GetSource().TargetRevision && !o.dryRun {
		return fmt.Errorf("sync %s to %s: its automated sync would go back to %s at once; change spec.source.targetRevision, or switch spec.syncPolicy.automated off",
			name, o.revision, cmp.Or(app.Spec.GetSource().TargetRevision, "HEAD"))
	}
	next := app.DeepCopy()
	next.Operation = &v1alpha1.Operation{
		Sync:        &v1alpha1.SyncOperation{Revision: o.revision, Prune: o.prune, DryRun: o.dryRun},
		InitiatedBy: v1alpha1.OperationInitiator{Username: os.Getenv("USER")},
	}
	if goOn, err := o.drift.fill(next.Operation.Sync, &app, o, s); !goOn || err != nil {
		return err
	}
	if err := k.Patch(ctx, next, client.MergeFrom(&app)); err != nil {
		return fmt.Errorf("ask for a sync of %s: %w", name, err)
	}
	fmt.Fprintf(s.err, "%s asked for a sync of %s\n", clock(), name)
	if !o.wait {
		return nil
	}
	return await(ctx, k, key, o, s)
}

func clock() string { return time.Now().Format(time.TimeOnly) }

// await tells what happens until the sync is
// done and the application healthy.
func await(ctx context.Context, k client.Client, key client.ObjectKey, o syncOptions, s streams) error {
	var app v1alpha1.Application
	shown := screen{w: s.err, live: s.width > 0, width: s.width}
	err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, o.timeout, true, func(ctx context.Context) (bool, error) {
		if err := k.Get(ctx, key, &app); err != nil {
			return false, fmt.Errorf("get application %s: %w", key.Name, err)
		}
		if app.Operation != nil {
			return false, nil
		}
		line, done, err := progress(&app, o)
		shown.show(line, waiting(&app))
		return done, err
	})
	shown.keep()
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return fmt.Errorf("sync %s: not done after %s (the agent goes on): %s", key.Name, o.timeout, shown.last)
	}
	if err != nil {
		return err
	}
	if err := printResults(s.out, o.output, o.state(&app)); err != nil {
		return err
	}
	if o.dryRun {
		return nil // nothing was to change
	}
	return shortfall(&app)
}

// state is what became of a sync, or of a dry run.
func (o syncOptions) state(app *v1alpha1.Application) *v1alpha1.OperationState {
	if o.dryRun {
		return app.Status.DryRunState
	}
	return app.Status.OperationState
}

// maxWaiting bounds the objects that progress names.
const maxWaiting = 8

// waiting names the objects that are not healthy yet.
func waiting(app *v1alpha1.Application) []string {
	var out []string
	left := 0
	for _, r := range app.Status.Resources {
		if r.Health == "" || r.Health == "Healthy" || r.Health == "Suspended" {
			continue
		}
		if len(out) == maxWaiting {
			left++
			continue
		}
		key := object.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
		line := fmt.Sprintf("  %s: %s", key.Short(), r.Health)
		if r.Message != "" {
			line += ", " + r.Message
		}
		out = append(out, line)
	}
	if left > 0 {
		out = append(out, fmt.Sprintf("  and %d more", left))
	}
	return out
}

func progress(app *v1alpha1.Application, o syncOptions) (line string, done bool, err error) {
	st := o.state(app)
	if st == nil {
		return "waiting for the agent", false, nil
	}
	switch st.Phase {
	case "Failed", "Error":
		return "failed", true, fmt.Errorf("sync %s: %s", app.Name, st.Message)
	case "Running":
		return "syncing: " + st.Message, false, nil
	}
	if o.dryRun {
		return st.Message, true, nil
	}
	line = fmt.Sprintf("synced %s: %s; health %s", revision(*app), st.Message, app.Status.Health.Status)
	if app.Status.Health.Message != "" {
		line += " (" + app.Status.Health.Message + ")"
	}
	return line, app.Status.Health.Status == "Healthy" || app.Status.Health.Status == "Suspended", nil
}

func printResults(w io.Writer, output string, st *v1alpha1.OperationState) error {
	if done, err := printData(w, output, st); done {
		return err
	}
	if st == nil || st.SyncResult == nil {
		return nil
	}
	for _, r := range st.SyncResult.Resources {
		name := r.Name
		if r.Namespace != "" {
			name = r.Namespace + "/" + name
		}
		if output == "name" {
			key := object.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
			if _, err := fmt.Fprintln(w, key); err != nil {
				return err
			}
			continue
		}
		line := fmt.Sprintf("%-12s %s %s", r.Status, r.Kind, name)
		if r.Message != "" {
			line += ": " + r.Message
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
		for _, f := range r.Fields {
			line := fmt.Sprintf("  %-12s %s", f.Status, f.Path)
			if f.Message != "" {
				line += ": " + f.Message
			}
			if _, err := fmt.Fprintln(w, line); err != nil {
				return err
			}
		}
	}
	return nil
}
