package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/attribution"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/internal/object"
)

// auditLogs are files of audit events, as an API server's log backend writes
// them.
type auditLogs []string

func (a *auditLogs) flags(flags *pflag.FlagSet) {
	flags.StringArrayVar((*[]string)(a), "audit-log", nil, "tell who changed what by the cluster's audit log in FILE: an event as JSON on each line, gzip or not; - is standard input (repeatable)")
}

// writes reads the requests on some objects. Of a file of any size it keeps
// only these.
func (a auditLogs) writes(keys []object.Key, s streams) (attribution.Writes, error) {
	wanted := map[audit.Ref][]audit.Event{}
	for _, key := range keys {
		wanted[audit.RefOf(key)] = nil
	}
	take := func(e audit.Event) {
		if e.Subresource == "status" {
			return // controllers write it all the time
		}
		if _, ok := wanted[e.Ref]; ok {
			wanted[e.Ref] = append(wanted[e.Ref], e)
			return
		}
		for ref := range wanted {
			if e.Name == "" && e.Concerns(ref) {
				wanted[ref] = append(wanted[ref], e)
			}
		}
	}
	var failures []error
	for _, name := range a {
		n, err := readLog(name, s.in, take)
		if err != nil {
			failures = append(failures, fmt.Errorf("--audit-log %s: %w", name, err))
			continue
		}
		if n.Broken > 0 {
			fmt.Fprintf(s.err, "%s: %s cannot be read as audit events; the rest counts\n", name, plural(n.Broken, "line"))
		}
		if n.Writes+n.Other == 0 {
			fmt.Fprintf(s.err, "%s holds no audit events\n", name)
		}
	}
	for _, events := range wanted {
		audit.Self{}.Mark(events)
	}
	return func(key object.Key) []audit.Event { return wanted[audit.RefOf(key)] }, errors.Join(failures...)
}

func readLog(name string, in io.Reader, take func(audit.Event)) (n audit.Count, err error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return n, err
		}
		defer f.Close() //nolint:errcheck // nothing was written
		in = f
	}
	return audit.ReadLines(in, take)
}

// report adds to a report who made its differences.
func (a auditLogs) report(r *drift.Report, s streams) error {
	if len(a) == 0 {
		return nil
	}
	var keys []object.Key
	for _, o := range r.Objects {
		keys = append(keys, o.Key())
	}
	writes, err := a.writes(keys, s)
	if err != nil {
		return err
	}
	attribution.Report(r, writes)
	return nil
}

// statuses adds to what the agent saw who made it, where the agent does not
// say so itself. A log is of one cluster.
func (a auditLogs) statuses(apps []v1alpha1.Application, s streams) error {
	if len(a) == 0 {
		return nil
	}
	var keys []object.Key
	for i := range apps {
		if destination(apps[i]) != destination(apps[0]) {
			return usagef("--audit-log is of one cluster, and %s and %s go to different ones: name applications of one", apps[0].Name, apps[i].Name)
		}
		if d := apps[i].Status.Drift; d != nil {
			for _, c := range d.Changes {
				keys = append(keys, attribution.KeyOf(c))
			}
		}
	}
	writes, err := a.writes(keys, s)
	if err != nil {
		return err
	}
	for i := range apps {
		if d := apps[i].Status.Drift; d != nil {
			for j := range d.Changes {
				attribution.Change(&d.Changes[j], writes)
			}
		}
	}
	return nil
}
