package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/reconcile"
)

// fileRules are the rules of files.
type fileRules struct {
	set      *ignore.Set
	problems []string
	found    []ignore.Problem
}

// rulesFrom reads files of rules; - is in, where there is one. What is
// malformed is told, and the rest counts.
func rulesFrom(names []string, in io.Reader) (fileRules, error) {
	var out fileRules
	var all []ignore.Rule
	var failures []error
	for _, name := range names {
		var text []byte
		var err error
		if name == "-" && in != nil {
			text, err = io.ReadAll(in)
		} else {
			text, err = os.ReadFile(name)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("read rules: %w", err))
			continue
		}
		rules, problems := ignore.FromFile(name, text)
		all, out.found = append(all, rules...), append(out.found, problems...)
	}
	if err := errors.Join(failures...); err != nil {
		return out, err
	}
	set, problems := ignore.Compile(all...)
	out.set, out.found = set, append(out.found, problems...)
	for _, p := range out.found {
		out.problems = append(out.problems, p.String())
	}
	return out, nil
}

// bothRules are those of files and those of the agent's namespace.
type bothRules struct {
	files fileRules
	agent *agent.Rules
}

var _ reconcile.Rules = bothRules{}

// Rules implements reconcile.Rules.
func (b bothRules) Rules(ctx context.Context) (*ignore.Set, []ignore.Problem, error) {
	set, problems, err := b.agent.Rules(ctx)
	return b.files.set.With(set), append(b.files.found, problems...), err
}

// printRules shows what rules did.
func printRules(w io.Writer, output string, uses []ignore.Use) error {
	if done, err := printData(w, output, map[string]any{"rules": uses}); done {
		return err
	}
	if output == "name" {
		for _, u := range uses {
			fmt.Fprintln(w, u.Rule)
		}
		return nil
	}
	if len(uses) == 0 {
		fmt.Fprintln(w, "no rules of users apply")
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RULE\tOBJECTS\tPLACES\tEXPLAINS\tNOTE")
	for _, u := range uses {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\n", u.Rule, u.Objects, u.Places, u.Fields, or(u.Message))
	}
	return t.Flush()
}
