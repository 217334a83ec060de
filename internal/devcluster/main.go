// Devcluster starts and stops Kubernetes control planes on this machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/trueup-dev/trueup/internal/devcluster/controlplane"
)

const usage = `devcluster runs real Kubernetes control planes on this machine, for trying and testing.

  devcluster up     --dir DIR [--clusters hub,edge] [--audit] [-o json] [--foreground [--stop-on-stdin-close]]
  devcluster status --dir DIR
  devcluster down   --dir DIR [--purge]
  devcluster build

The programs are built from source once per machine, and kept in a cache (TRUEUP_DEVCLUSTER_CACHE).
"devcluster COMMAND -h" lists the flags of a command.
`

// command is one verb; it reads its flags from args.
type command func(ctx context.Context, args []string, out, progress io.Writer) error

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends us at once.
	context.AfterFunc(ctx, cancel)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	cancel()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "devcluster:", err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "devcluster:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("wrong usage (devcluster help)")

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	if len(args) == 0 {
		fmt.Fprint(progress, usage)
		return errUsage
	}
	commands := map[string]command{"up": up, "down": down, "status": status, "build": build}
	if verb, ok := commands[args[0]]; ok {
		return verb(ctx, args[1:], out, progress)
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		fmt.Fprint(out, usage)
		return nil
	}
	return fmt.Errorf("%w: there is no command %q", errUsage, args[0])
}

// parse reads the flags of a verb; there are no other arguments.
func parse(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%w: unexpected argument %q", errUsage, flags.Arg(0))
	}
	return nil
}

func flagSet(verb string, progress io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet("devcluster "+verb, flag.ContinueOnError)
	flags.SetOutput(progress)
	return flags
}

// fleet opens the folder that --dir names.
func fleet(dir string, progress io.Writer) (controlplane.Fleet, error) {
	if dir == "" {
		return controlplane.Fleet{}, fmt.Errorf("%w: --dir is missing", errUsage)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return controlplane.Fleet{}, err
	}
	return controlplane.Fleet{Dir: abs, Progress: progress, Now: time.Now}, nil
}
