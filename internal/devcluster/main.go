// Command devcluster starts and stops real Kubernetes control planes on this
// machine, for trying trueup out and for its tests.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/trueup-dev/trueup/internal/devcluster/controlplane"
)

const usage = `usage: devcluster COMMAND [flags]

  build    build the programs of a control plane, once per machine
  up       start clusters and wait until they are ready
  status   show what runs
  down     stop all clusters of a folder
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "devcluster:", err)
		os.Exit(1)
	}
}

type options struct {
	dir, source, clusters, output string
	foreground, purge             bool
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	var o options
	flags := flag.NewFlagSet("devcluster "+args[0], flag.ContinueOnError)
	flags.StringVar(&o.dir, "dir", ".devcluster", "folder of the clusters")
	flags.StringVar(&o.source, "source", "internal/devcluster", "folder of this module, for building")
	flags.StringVar(&o.clusters, "clusters", "hub", "names of the clusters to start, with commas")
	flags.StringVar(&o.output, "o", "text", "text or json")
	flags.BoolVar(&o.foreground, "foreground", false, "stay until interrupted, then stop the clusters")
	flags.BoolVar(&o.purge, "purge", false, "remove the folder, logs included")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return err
	}
	cache, err := controlplane.CacheDir()
	if err != nil {
		return err
	}
	builder := controlplane.Builder{Source: o.source, Cache: cache, Progress: progress}
	fleet := controlplane.Fleet{Dir: dir, Progress: progress, Now: time.Now}
	switch args[0] {
	case "build":
		_, err := builder.Binaries(ctx)
		return err
	case "up":
		return up(ctx, fleet, builder, o, out)
	case "status":
		return status(ctx, fleet, out)
	case "down":
		if err := fleet.Down(ctx); err != nil {
			return err
		}
		if o.purge {
			return fleet.Purge()
		}
		return nil
	}
	return errors.New(usage)
}

func up(ctx context.Context, fleet controlplane.Fleet, builder controlplane.Builder, o options, out io.Writer) error {
	clusters, err := fleet.Up(ctx, strings.Split(o.clusters, ","), builder.Binaries)
	if err != nil {
		return err
	}
	if o.output == "json" {
		if err := json.NewEncoder(out).Encode(map[string]any{"clusters": clusters}); err != nil {
			return err
		}
	} else {
		for _, c := range clusters {
			fmt.Fprintf(out, "cluster %s is ready at %s\n  export KUBECONFIG=%s\n", c.Name, c.Server, c.Kubeconfig)
		}
	}
	if !o.foreground {
		return nil
	}
	failure := fleet.Watch(ctx)
	// The interrupt that ended Watch must not end the stop as well.
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return errors.Join(failure, fleet.Down(stopping))
}

func status(ctx context.Context, fleet controlplane.Fleet, out io.Writer) error {
	rows, err := fleet.Status(ctx)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CLUSTER\tCOMPONENT\tPID\tPORT\tRESIDENT\tREADY")
	for _, r := range rows {
		ready := "yes"
		if !r.Ready {
			ready = "no: " + r.Problem
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d MiB\t%s\n", r.Cluster, r.Component, r.PID, r.Port, r.Resident>>20, ready)
	}
	return t.Flush()
}
