package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
)

func newAppSetConfirmCommand(s streams) *cobra.Command {
	var c connection
	var yes bool
	cmd := &cobra.Command{
		Use:   "confirm SET",
		Short: "Let a set delete the applications whose deletion the agent holds",
		Long: `Let a set delete the applications whose deletion the agent holds.

The names are shown, and the answer counts for exactly these: should the agent hold others by then, it asks anew.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return confirmDeletion(cmd.Context(), &c, args[0], yes, s)
		},
	}
	cmd.ValidArgsFunction = c.completeSets
	c.flags(cmd.Flags())
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func confirmDeletion(ctx context.Context, c *connection, name string, yes bool, s streams) error {
	k, err := c.client()
	if err != nil {
		return err
	}
	var set v1alpha1.ApplicationSet
	if err := k.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: name}, &set); err != nil {
		return fmt.Errorf("get ApplicationSet %s: %w", name, err)
	}
	held := set.Status.Held
	if held == nil {
		fmt.Fprintf(s.err, "ApplicationSet %s holds no deletion\n", name)
		return nil
	}
	printHeld(s.err, &set, palette(s.color))
	if !yes {
		agreed, err := ask(s, fmt.Sprintf("Delete %s?", plural(int(held.Count), "application")))
		if err != nil {
			return err
		}
		if !agreed {
			fmt.Fprintln(s.err, "nothing is confirmed")
			return exitCode(exitError)
		}
	}
	next := set.DeepCopy()
	if next.Annotations == nil {
		next.Annotations = map[string]string{}
	}
	next.Annotations[v1alpha1.ConfirmDeletion] = held.Digest
	if err := k.Patch(ctx, next, client.MergeFrom(&set)); err != nil {
		return fmt.Errorf("confirm the deletion of ApplicationSet %s: %w", name, err)
	}
	fmt.Fprintf(s.err, "confirmed: the agent deletes %s\n", plural(int(held.Count), "application"))
	return nil
}

func printHeld(w io.Writer, set *v1alpha1.ApplicationSet, p palette) {
	held := set.Status.Held
	since := ""
	if held.Since != nil {
		since = " since " + held.Since.UTC().Format("2006-01-02 15:04:05")
	}
	fmt.Fprintf(w, "%s%s: %s\n", p.bold("ApplicationSet "+set.Name+" holds a deletion"), since, held.Reason)
	for _, name := range held.Applications {
		fmt.Fprintf(w, "  %s %s\n", p.red("-"), name)
	}
	if left := held.Count - int64(len(held.Applications)); left > 0 {
		fmt.Fprintf(w, "  and %d more\n", left)
	}
}

// ask asks a person. Without one there is no answer, which is an error.
func ask(s streams, question string) (bool, error) {
	if f, ok := s.in.(*os.File); ok && !term.IsTerminal(int(f.Fd())) || s.in == nil {
		return false, fault.New(fault.Invalid, "nobody can be asked: the input is no terminal; --yes confirms without a question")
	}
	fmt.Fprintf(s.err, "%s [y/N] ", question)
	line, err := bufio.NewReader(s.in).ReadString('\n')
	if err != nil && line == "" {
		return false, fault.New(fault.Invalid, "nobody answered; --yes confirms without a question")
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true, nil
	}
	return false, nil
}
