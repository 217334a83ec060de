package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-dev/trueup/agent/web"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/output"
	"github.com/trueup-dev/trueup/internal/history"
	"github.com/trueup-dev/trueup/internal/object"
)

type historyOptions struct {
	connection
	output, server string
	limit          int
}

func newHistoryCommand(s streams) *cobra.Command {
	var o historyOptions
	cmd := &cobra.Command{
		Use:   "history APP",
		Short: "Tell what happened to an application: syncs, and drift that came and went",
		Long: `Tell what happened to an application, the newest first: each sync with what it changed, and each difference that
appeared or went, with the hand that made it.

The agent remembers that, and answers on a loopback address: see --api-address of trueup agent. Where it runs in a pod, forward a port
to it. Without --server the last syncs that succeeded are read from the application's status.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("--output", o.output, "table", "json", "yaml"); err != nil {
				return err
			}
			if o.limit < 1 || o.limit > history.MaxLimit {
				return usagef("--limit must be from 1 to %d", history.MaxLimit)
			}
			return tellHistory(cmd.Context(), o, args[0], s)
		},
	}
	cmd.ValidArgsFunction = o.complete(1)
	o.flags(cmd.Flags())
	cmd.Flags().StringVarP(&o.output, "output", "o", "table", "table, json or yaml")
	cmd.Flags().StringVar(&o.server, "server", os.Getenv("TRUEUP_SERVER"), "address of the agent's API, such as http://127.0.0.1:8082; by default $TRUEUP_SERVER")
	cmd.Flags().IntVar(&o.limit, "limit", history.DefaultLimit, "entries to tell, the newest first")
	return cmd
}

func tellHistory(ctx context.Context, o historyOptions, name string, s streams) error {
	past, err := o.past(ctx, name, s)
	if err != nil {
		return err
	}
	if done, err := printData(s.out, o.output, map[string]any{"application": o.namespace + "/" + name, "syncs": past.runs, "drift": past.drifts}); done {
		return err
	}
	return past.print(s, o.limit)
}

// timeline is what happened to one application.
type timeline struct {
	runs   []history.Run
	drifts []history.Drift
}

func (o historyOptions) past(ctx context.Context, name string, s streams) (timeline, error) {
	if o.server == "" {
		apps, err := o.applications(ctx, []string{name})
		if err != nil {
			return timeline{}, err
		}
		fmt.Fprintln(s.err, "(from the application's status, which holds no more than the last syncs that succeeded; the agent knows the rest: --server or $TRUEUP_SERVER)")
		return timeline{runs: remembered(apps[0]), drifts: []history.Drift{}}, nil
	}
	client := web.Client{Server: o.server, HTTP: &http.Client{Timeout: 30 * time.Second}}
	q := history.Query{App: o.namespace + "/" + name, Limit: o.limit}
	runs, err := client.Runs(ctx, q)
	if err != nil {
		return timeline{}, err
	}
	drifts, err := client.Drifts(ctx, q)
	return timeline{runs, drifts}, err
}

// remembered are the syncs that the status holds.
func remembered(app v1alpha1.Application) []history.Run {
	out := []history.Run{}
	for _, h := range slices.Backward(app.Status.History) {
		run := history.Run{
			ID: h.ID, App: app.Namespace + "/" + app.Name, Revision: h.Revision, Phase: "Succeeded", Initiator: h.InitiatedBy.Username,
			Automated: h.InitiatedBy.Automated, Finished: h.DeployedAt.Time, Changes: []history.Change{},
		}
		out = append(out, run)
	}
	return out
}

// moment is one entry of a timeline, as text.
type moment struct {
	at    time.Time
	lines []string
}

func (t timeline) print(s streams, limit int) error {
	p := palette(s.color)
	var all []moment
	for _, r := range t.runs {
		all = append(all, p.run(r))
	}
	all = append(all, p.drifts(t.drifts)...)
	slices.SortStableFunc(all, func(a, b moment) int { return b.at.Compare(a.at) })
	if len(all) == 0 {
		fmt.Fprintln(s.err, "nothing has happened that is remembered")
	}
	var b strings.Builder
	for _, m := range all[:min(limit, len(all))] {
		fmt.Fprintf(&b, "%s  %s\n", p.dim(m.at.UTC().Format(time.DateTime)), m.lines[0])
		for _, line := range m.lines[1:] {
			fmt.Fprintf(&b, "%21s%s\n", "", line)
		}
	}
	_, err := fmt.Fprint(s.out, b.String())
	return err
}

// event pads the word that says what an entry is about.
func event(word string) string { return pad(word, len("drift gone")) }

func (p palette) run(r history.Run) moment {
	word := p.green(event("synced"))
	switch {
	case r.DryRun:
		word = event("dry run")
	case r.Phase == "Failed" || r.Phase == "Error":
		word = p.red(event("failed"))
	case r.Phase == "Running":
		word = p.yellow(event("syncing"))
	}
	parts := []string{r.Subject}
	if r.Author != "" {
		parts[0] += " (" + r.Author + ")"
	}
	by := "by " + r.Initiator
	switch {
	case r.Automated && r.Reason != "":
		by = "automated: " + r.Reason
	case r.Automated:
		by = "automated"
	case r.Initiator == "":
		by = "on request"
	}
	parts = append(parts, by)
	if !r.Started.IsZero() {
		parts = append(parts, r.Finished.Sub(r.Started).Round(time.Millisecond).String())
	}
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	lines := []string{word + "  " + p.bold(short(r.Revision)) + " " + strings.Join(parts, " · ")}
	if r.Phase == "Failed" || r.Phase == "Error" {
		for line := range strings.SplitSeq(strings.TrimSpace(r.Message), "\n") {
			lines = append(lines, p.red(line))
		}
	}
	for _, c := range r.Changes {
		if line := p.change(c); line != "" {
			lines = append(lines, line)
		}
	}
	return moment{r.Finished, lines}
}

func (p palette) change(c history.Change) string {
	name := keyOf(c.Object).Short()
	switch c.Status {
	case "Failed", "Deferred", "PruneSkipped":
		return fmt.Sprintf("! %s  %s", name, strings.ToLower(c.Status))
	}
	switch c.Action {
	case "create":
		return p.green("+") + " " + name
	case "update":
		return p.yellow("~") + " " + name
	case "prune":
		return p.red("-") + " " + name
	}
	return ""
}

// drifts gathers what happened to one object at one time.
func (p palette) drifts(all []history.Drift) []moment {
	type id struct {
		at      time.Time
		object  history.Object
		cleared bool
	}
	index := map[id]int{}
	var out []moment
	for _, d := range slices.Backward(all) {
		key := id{d.At, d.Object, d.Cleared}
		i, ok := index[key]
		if !ok {
			word := p.yellow(event("drift"))
			if d.Cleared {
				word = p.green(event("drift gone"))
			}
			i = len(out)
			index[key] = i
			out = append(out, moment{d.At, []string{word + "  " + keyOf(d.Object).Short()}})
		}
		if line := p.difference(d); line != "" {
			out[i].lines = append(out[i].lines, line)
		}
	}
	slices.Reverse(out)
	return out
}

func (p palette) difference(d history.Drift) string {
	switch {
	case d.Path == "" && d.Cleared:
		return ""
	case d.Moment == "blamed":
		return strings.TrimLeft(d.Path+"  "+output.By(d.Audit), " ")
	case d.Path == "":
		text := map[string]string{"Missing": "it was deleted", "Extra": "it is not in Git any more"}[d.State]
		return strings.TrimRight(text+" "+output.By(d.Audit), " ")
	case d.Cleared:
		return d.Path
	}
	line := fmt.Sprintf("%s: %s → %s", d.Path, jsonText(d.Desired), jsonText(d.Live))
	hand := output.Hand(drift.Field{Manager: d.Manager, Subresource: d.Subresource, Audit: d.Audit, Trace: d.Trace, Live: known(d.Live)})
	if d.Manager != "" || d.Trace != nil || len(d.Audit) > 0 {
		line += "  " + p.dim(hand)
		if d.Since != nil {
			line += p.dim(" " + d.Since.UTC().Format(time.TimeOnly))
		}
	}
	return line
}

// known is nil for no value.
func known(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// jsonText shows a value that was kept as JSON as reports show it.
func jsonText(text string) string {
	var v any
	if text == "" || json.Unmarshal([]byte(text), &v) != nil {
		return "(absent)"
	}
	return valueText(v)
}

func keyOf(o history.Object) object.Key {
	return object.Key{Group: o.Group, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
}
