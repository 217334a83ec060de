package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/trueup-dev/trueup/internal/devcluster/controlplane"
)

type upFlags struct {
	dir, clusters, output, source string
	timeout                       time.Duration
	foreground, stopOnStdinClose  bool
	audit                         bool
}

func up(ctx context.Context, args []string, out, progress io.Writer) error {
	var o upFlags
	flags := flagSet("up", progress)
	flags.StringVar(&o.dir, "dir", "", "folder of the clusters; it must be empty, or made by an earlier up")
	flags.StringVar(&o.clusters, "clusters", "hub", "names of the clusters to start, separated by commas")
	flags.StringVar(&o.output, "o", "text", "text or json: what to print when the clusters are ready")
	flags.StringVar(&o.source, "source", "", "folder of the devcluster module, to build from (default: found upwards from here)")
	flags.DurationVar(&o.timeout, "timeout", 5*time.Minute, "how long a start may take, once the programs are built")
	flags.BoolVar(&o.audit, "audit", false, "tell of requests that write: in logs/audit.jsonl of a cluster's folder, and at the address that its audit.json names")
	flags.BoolVar(&o.foreground, "foreground", false, "stay, and stop everything when interrupted or when a component ends")
	flags.BoolVar(&o.stopOnStdinClose, "stop-on-stdin-close", false, "with --foreground: stop as well when standard input ends")
	if err := parse(flags, args); err != nil {
		return err
	}
	if o.output != "text" && o.output != "json" {
		return fmt.Errorf("%w: -o %s: text and json are known", errUsage, o.output)
	}
	if o.stopOnStdinClose && !o.foreground {
		return fmt.Errorf("%w: --stop-on-stdin-close needs --foreground", errUsage)
	}
	f, err := fleet(o.dir, progress)
	if err != nil {
		return err
	}
	b, err := builder(o.source, progress)
	if err != nil {
		return err
	}
	if o.stopOnStdinClose {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // whatever ends it, nobody holds us any more
			cancel()
		}()
	}
	clusters, err := f.Up(ctx, controlplane.Start{
		Names: strings.Split(o.clusters, ","), Binaries: b.Binaries, Timeout: o.timeout, Audit: o.audit,
	})
	if err == nil {
		err = announce(out, o, clusters)
	}
	if !o.foreground {
		return err
	}
	if err == nil {
		err = f.Watch(ctx)
	}
	return stop(ctx, f, err)
}

// stop ends a foreground run, whatever ended it.
func stop(ctx context.Context, f controlplane.Fleet, cause error) error {
	return errors.Join(cause, f.Down(context.WithoutCancel(ctx)))
}

func announce(out io.Writer, o upFlags, clusters []controlplane.Cluster) error {
	if o.output == "json" {
		return json.NewEncoder(out).Encode(map[string]any{"clusters": clusters})
	}
	for _, c := range clusters {
		fmt.Fprintf(out, "%s: kubectl --kubeconfig %s get nodes\n", c.Name, c.Kubeconfig)
	}
	if o.foreground {
		fmt.Fprintln(out, "stop: Ctrl-C")
		return nil
	}
	fmt.Fprintf(out, "stop: devcluster down --dir %s\n", o.dir)
	return nil
}

func down(ctx context.Context, args []string, _, progress io.Writer) error {
	flags := flagSet("down", progress)
	dir := flags.String("dir", "", "folder of the clusters")
	purge := flags.Bool("purge", false, "remove the folder altogether, with the logs")
	if err := parse(flags, args); err != nil {
		return err
	}
	f, err := fleet(*dir, progress)
	if err != nil {
		return err
	}
	if err := f.Down(ctx); err != nil {
		return err
	}
	if *purge {
		return f.Purge()
	}
	return nil
}

func status(ctx context.Context, args []string, out, progress io.Writer) error {
	flags := flagSet("status", progress)
	dir := flags.String("dir", "", "folder of the clusters")
	if err := parse(flags, args); err != nil {
		return err
	}
	f, err := fleet(*dir, progress)
	if err != nil {
		return err
	}
	rows, err := f.Status(ctx)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		fmt.Fprintf(out, "no cluster runs in %s\n", f.Dir)
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CLUSTER\tCOMPONENT\tPID\tPORT\tRSS\tREADY")
	for _, r := range rows {
		port, ready := "-", "yes"
		if r.Port != 0 {
			port = fmt.Sprint(r.Port)
		}
		if !r.Ready {
			ready = "no"
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%d MB\t%s\n", r.Cluster, r.Component, r.PID, port, r.Resident/1_000_000, ready)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, r := range rows {
		if !r.Ready {
			fmt.Fprintf(out, "\n%s/%s: %s\n", r.Cluster, r.Component, r.Problem)
		}
	}
	return nil
}

func build(ctx context.Context, args []string, out, progress io.Writer) error {
	flags := flagSet("build", progress)
	source := flags.String("source", "", "folder of the devcluster module (default: found upwards from here)")
	if err := parse(flags, args); err != nil {
		return err
	}
	b, err := builder(*source, out)
	if err != nil {
		return err
	}
	dir, err := b.Binaries(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, dir)
	return nil
}
