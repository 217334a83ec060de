package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-dev/trueup/agent/web"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/drift/output"
	"github.com/trueup-dev/trueup/internal/history"
	"github.com/trueup-dev/trueup/internal/object"
)

type driftHistoryOptions struct {
	connection
	output, server string
	object         string
	query          history.Query
	since          time.Duration
}

func newDriftHistoryCommand(s streams) *cobra.Command {
	var o driftHistoryOptions
	cmd := &cobra.Command{
		Use:   "history [APP...]",
		Short: "Tell when drift was opened, changed and closed, how, and by whom",
		Long: `Tell when drift was opened, changed and closed, the newest first: of the named applications, or of all.

A difference is closed by a sync of another revision (synced), by one that put back what Git says (reverted), by a rule (expected) or an
acceptance (accepted), by a commit of 'trueup drift adopt' (adopted), by Git that caught up otherwise (git), by somebody who changed it
back (undone), or because the application was deleted (deleted).

The agent remembers that, and answers on a loopback address: see --api-address of trueup agent. Without --server, what is open is read
from the status of the applications.`,
		Example: `  trueup drift history --since 24h
  trueup drift history shop --object Deployment/web --path spec.replicas
  trueup drift history --manager kubectl-edit -o json`,
		RunE: func(cmd *cobra.Command, args []string) error { return tellDrift(cmd.Context(), o, args, s) },
	}
	cmd.ValidArgsFunction = o.complete(0)
	o.flags(cmd.Flags())
	flags := cmd.Flags()
	flags.StringVarP(&o.output, "output", "o", "table", "table, json or yaml")
	flags.StringVar(&o.server, "server", os.Getenv("TRUEUP_SERVER"), "address of the agent's API, such as http://127.0.0.1:8082; by default $TRUEUP_SERVER")
	flags.StringVar(&o.object, "object", "", "only this object, as KIND/NAME, or KIND/ for all of a kind")
	flags.StringVar(&o.query.Path, "path", "", "only this path, and what is below it")
	flags.StringVar(&o.query.Manager, "manager", "", "only what this field manager made")
	flags.StringVar(&o.query.User, "user", "", "only what this user made, or may have made, as audit events tell")
	flags.DurationVar(&o.since, "since", 0, "only what happened within this time, such as 24h")
	flags.IntVar(&o.query.Limit, "limit", history.DefaultLimit, "entries to tell of each application named, or of all, the newest first")
	return cmd
}

// driftHistory is the timeline for programs.
type driftHistory struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Items      []history.Drift `json:"items"`
}

func tellDrift(ctx context.Context, o driftHistoryOptions, names []string, s streams) error {
	if err := oneOf("--output", o.output, "table", "json", "yaml"); err != nil {
		return err
	}
	switch {
	case o.query.Limit < 1 || o.query.Limit > history.MaxLimit:
		return usagef("--limit must be from 1 to %d", history.MaxLimit)
	case o.since < 0:
		return usagef("--since %s is no time that has passed", o.since)
	case o.object != "" && !strings.Contains(o.object, "/"):
		return usagef("--object %q: want KIND/NAME, or KIND/", o.object)
	}
	o.query.Kind, o.query.Name, _ = strings.Cut(o.object, "/")
	if o.since > 0 {
		o.query.Since = time.Now().Add(-o.since)
	}
	items, err := o.moments(ctx, names, s)
	if err != nil {
		return err
	}
	if done, err := printData(s.out, o.output, driftHistory{output.APIVersion, "DriftHistory", items}); done {
		return err
	}
	if len(items) == 0 {
		fmt.Fprintln(s.err, "no drift is remembered that fits")
	}
	return printMoments(s.out, palette(s.color), items)
}

// moments asks the agent, or reads what is open from the status.
func (o driftHistoryOptions) moments(ctx context.Context, names []string, s streams) ([]history.Drift, error) {
	items := []history.Drift{}
	if o.server == "" {
		apps, err := o.applications(ctx, names)
		if err != nil {
			return nil, err
		}
		fmt.Fprintln(s.err, "(from the status of the applications, which holds what is open; the agent knows the rest: --server or $TRUEUP_SERVER)")
		for i := range apps {
			items = append(items, openMoments(&apps[i], o.query)...)
		}
		slices.SortStableFunc(items, func(a, b history.Drift) int { return b.At.Compare(a.At) })
		return items[:min(len(items), o.query.Limit)], nil
	}
	if len(names) == 0 {
		names = []string{"*"}
	}
	client := web.Client{Server: o.server, HTTP: &http.Client{Timeout: 30 * time.Second}}
	for _, name := range names {
		o.query.App = o.namespace + "/" + name
		more, err := client.Drifts(ctx, o.query)
		if err != nil {
			return nil, err
		}
		items = append(items, more...)
	}
	slices.SortStableFunc(items, func(a, b history.Drift) int { return b.At.Compare(a.At) })
	return items, nil
}

// openMoments are the open differences that a status lists and a query picks.
func openMoments(app *v1alpha1.Application, q history.Query) []history.Drift {
	var out []history.Drift
	for _, o := range output.FromStatus(app).Objects {
		if q.Kind != "" && !strings.EqualFold(q.Kind, o.Kind) || q.Name != "" && q.Name != o.Name {
			continue
		}
		for _, c := range app.Status.Drift.Changes {
			if o.Key() != (object.Key{Group: c.Group, Kind: c.Kind, Namespace: c.Namespace, Name: c.Name}) || c.FoundAt == nil {
				continue
			}
			below := c.Path == q.Path || strings.HasPrefix(c.Path, q.Path+".") || strings.HasPrefix(c.Path, q.Path+"[")
			if q.Path != "" && !below || q.Manager != "" && q.Manager != c.Manager || !madeBy(audit.Shown(c), q.User) || c.FoundAt.Time.Before(q.Since) {
				continue
			}
			d := history.Drift{
				App: app.Namespace + "/" + app.Name, At: c.FoundAt.UTC(), Object: history.Object{Group: c.Group, Kind: c.Kind, Namespace: c.Namespace, Name: c.Name},
				State: string(o.State), Path: c.Path, Manager: c.Manager, Operation: c.Operation, Moment: "opened",
				Subresource: c.Subresource, Audit: audit.Shown(c), Trace: output.FieldOf(c).Trace,
			}
			d.FoundAt = &d.At
			if c.Desired != nil {
				d.Desired = string(c.Desired.Raw)
			}
			if c.Live != nil {
				d.Live = string(c.Live.Raw)
			}
			if c.Time != nil {
				d.Since = new(c.Time.UTC())
			}
			out = append(out, d)
		}
	}
	return out
}

// madeBy reports whether a user is among some actors; everybody is nobody in
// particular.
func madeBy(actors []audit.Actor, user string) bool {
	return user == "" || slices.ContainsFunc(actors, func(a audit.Actor) bool { return a.User == user })
}

func printMoments(w io.Writer, p palette, items []history.Drift) error {
	width := 0
	for _, d := range items {
		width = max(width, len(application(d)))
	}
	var b strings.Builder
	for _, d := range items {
		word := p.yellow(pad(d.Moment, len("changed")))
		if d.Cleared {
			word = p.green(pad(d.Moment, len("changed")))
		}
		fmt.Fprintf(&b, "%s  %s  %s  %s", p.dim(d.At.UTC().Format(time.DateTime)), word, pad(application(d), width), keyOf(d.Object).Short())
		switch line := p.difference(d); {
		case d.Moment == "blamed":
			b.WriteString(strings.TrimRight(" "+d.Path, " ") + "  " + output.By(d.Audit))
		case d.Cleared:
			b.WriteString(strings.TrimRight(" "+d.Path, " ") + "  " + ending(d))
		case d.Path == "":
			b.WriteString("  " + line)
		default:
			b.WriteString(" " + line)
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// application is the name alone.
func application(d history.Drift) string { return d.App[strings.IndexByte(d.App, '/')+1:] }

// ending says how a difference went, and how long it was there.
func ending(d history.Drift) string {
	text := d.How
	switch {
	case text == "":
		text = "gone"
	case d.How == "git":
		text = "Git caught up"
	}
	if d.By != "" {
		text += " by " + output.Value(d.By)
	}
	if d.FoundAt != nil {
		text += ", after " + age(d.At, *d.FoundAt)
	}
	return text
}
