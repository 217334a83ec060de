package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/trueup-dev/trueup/agent/controller"
	"github.com/trueup-dev/trueup/agent/web"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/internal/history"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile"
)

// journal writes intents to the status, and runs and drift to the history,
// the metrics and the log.
type journal struct {
	*controller.Applications
	history history.Store // may be nil
	repeats *repeats      // may be nil
	metrics *metrics
	log     logr.Logger
}

var _ reconcile.Journal = journal{}

// maxWrite bounds how long a history that does not answer holds up a sync.
const maxWrite = 5 * time.Second

// Record implements reconcile.Journal.
func (j journal) Record(ctx context.Context, run reconcile.Run) error {
	j.log.Info("synced", "application", run.App, "revision", run.Commit.Short(), "phase", run.Phase, "message", run.Message,
		"reason", run.Reason, "seconds", run.Finished.Sub(run.Started).Seconds())
	j.metrics.synced(run)
	return j.remember(ctx, func(ctx context.Context) error { return j.history.AddRun(ctx, runOf(run)) })
}

// Drifted implements reconcile.Journal.
func (j journal) Drifted(ctx context.Context, events []reconcile.DriftEvent) error {
	events = j.repeats.without(ctx, events)
	drifts := make([]history.Drift, 0, len(events))
	for _, e := range events {
		word := "drift " + string(e.Moment)
		fields := []any{"application", e.App, "object", e.Key.String()}
		if e.How != "" {
			fields = append(fields, "how", e.How, "by", e.By)
		}
		if e.Field != nil {
			fields = append(fields, "path", e.Field.Path, "manager", e.Field.Manager)
		}
		if len(e.Audit) > 0 {
			fields = append(fields, "made by", audit.Text(e.Audit))
		}
		j.log.Info(word, fields...)
		j.metrics.drifted(e)
		drifts = append(drifts, driftOf(e))
	}
	return j.remember(ctx, func(ctx context.Context) error { return j.history.AddDrift(ctx, drifts) })
}

func (j journal) remember(ctx context.Context, write func(context.Context) error) error {
	if j.history == nil {
		return nil
	}
	// What was done is remembered even where the agent stops right now.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxWrite)
	defer cancel()
	err := write(ctx)
	if err != nil {
		j.log.Error(err, "the history has a gap")
	}
	return err
}

func runOf(run reconcile.Run) history.Run {
	out := history.Run{
		App: run.App, Repo: run.Commit.Repo, Revision: run.Commit.SHA, Subject: run.Commit.Subject, Author: run.Commit.Author,
		Started: run.Started, Finished: run.Finished, Phase: run.Phase, Message: run.Message, Reason: run.Reason,
		Initiator: run.Initiator.Username, Automated: run.Initiator.Automated, DryRun: run.Result.DryRun,
	}
	for _, e := range run.Result.Entries {
		out.Changes = append(out.Changes, history.Change{Object: objectOf(e.Key), Action: string(e.Action), Status: string(e.Status), Message: e.Message})
	}
	return out
}

func driftOf(e reconcile.DriftEvent) history.Drift {
	out := history.Drift{App: e.App, At: e.At, Object: objectOf(e.Key), State: string(e.State), Moment: string(e.Moment), Cleared: e.Moment == reconcile.Closed, How: e.How, By: e.By, Audit: e.Audit}
	if !e.FoundAt.IsZero() {
		out.FoundAt = &e.FoundAt
	}
	if out.Cleared {
		out.State = ""
	}
	if f := e.Field; f != nil {
		out.Path, out.Desired, out.Live = f.Path, text(f.Desired), text(f.Live)
		out.Manager, out.Operation, out.Subresource, out.Since, out.Trace = f.Manager, f.Operation, f.Subresource, f.Time, f.Trace
	}
	return out
}

func objectOf(key object.Key) history.Object {
	return history.Object{Group: key.Group, Kind: key.Kind, Namespace: key.Namespace, Name: key.Name}
}

// maxValue bounds the bytes of a value that are kept: a whole certificate or
// script says no more than its beginning.
const maxValue = 4096

// text is a value as JSON; empty where there is none.
func text(value any) string {
	if value == nil {
		return ""
	}
	data, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	if len(data) > maxValue {
		data, _ = json.Marshal(string(data[:maxValue]) + "…")
	}
	return string(data)
}

// serveHistory adds what answers questions, and what forgets.
func serveHistory(ctx context.Context, mgr ctrl.Manager, o Options) error {
	if o.History == nil {
		return nil
	}
	if o.KeepHistory > 0 {
		if err := mgr.Add(trimmer{o}); err != nil {
			return fmt.Errorf("set up the history: %w", err)
		}
	}
	if o.API == "" || o.API == "0" {
		return nil
	}
	listener, err := web.Listen(ctx, o.API)
	if err != nil {
		return fmt.Errorf("serve the API: %w", err)
	}
	o.Log.Info("serving the API", "address", "http://"+listener.Addr().String())
	if err := mgr.Add(&manager.Server{Name: "api", Server: web.NewServer(web.Handler(o.History)), Listener: listener}); err != nil {
		return fmt.Errorf("serve the API: %w", err)
	}
	return nil
}

// trimmer forgets what is too old, once a day.
type trimmer struct{ Options }

// Start implements manager.Runnable.
func (t trimmer) Start(ctx context.Context) error {
	day := time.NewTicker(24 * time.Hour)
	defer day.Stop()
	for {
		if err := t.History.Trim(ctx, time.Now().Add(-t.KeepHistory)); err != nil && ctx.Err() == nil {
			t.Log.Error(err, "the history keeps what is too old")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-day.C:
		}
	}
}
