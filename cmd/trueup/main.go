package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/trueup-dev/trueup/internal/jsonnet"
)

// version is set by the linker.
var version = "dev"

// Exit codes. Scripts rely on them.
const (
	exitOK         = 0   // in sync, or done
	exitError      = 1   // the command could not do what it was asked
	exitUsage      = 2   // the command line was wrong
	exitDrift      = 3   // there are differences
	exitIncomplete = 4   // something was not compared yet, or cannot be now
	exitInterrupt  = 130 // stopped by a signal
)

// streams is what a command reads and writes. Data goes to out, everything
// said to a person goes to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
	color    bool
	// width is the columns of the terminal that err is; 0 where it is none.
	width int
}

// exitCode ends a command with a code and nothing more to say.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// usageError marks a mistake in the command line.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func main() {
	if len(os.Args) == 2 && os.Args[1] == jsonnet.Argument {
		os.Exit(evaluateJsonnet())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	own := streams{in: os.Stdin, out: os.Stdout, err: os.Stderr, color: colorful(os.Stdout), width: columns(os.Stderr)}
	flush := ownStderr()
	code := run(ctx, os.Args[1:], own)
	flush()
	stop()
	os.Exit(code)
}

// evaluateJsonnet is what this program does as a child of itself.
func evaluateJsonnet() int {
	if err := jsonnet.Serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "evaluate Jsonnet: %v\n", err)
		return exitError
	}
	return exitOK
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, s streams) int {
	root := newRootCommand(s)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var code exitCode
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, context.Canceled):
		return exitInterrupt
	case errors.As(err, &usage):
		fmt.Fprintf(s.err, "trueup: %s\nSee 'trueup --help'.\n", printable(err))
		return exitUsage
	}
	fmt.Fprintf(s.err, "trueup: %s\n", printable(err))
	return exitError
}

func newRootCommand(s streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "trueup",
		Short: "Keep Kubernetes clusters true to Git, and say where, since when and by whose hand they are not",
		Long: `trueup keeps Kubernetes clusters true to Git.

Exit codes: 0 in sync or done, 1 error, 2 wrong usage, 3 drift, 4 incomplete coverage.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(commands(s)...)
	markUsageErrors(root)
	return root
}

// markUsageErrors makes wrong arguments end with the usage exit code, in
// every command.
func markUsageErrors(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError{err}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		markUsageErrors(sub)
	}
}

func newVersionCommand(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(s.out, "trueup", version)
			return err
		},
	}
}
