package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/object"
)

// orphanedIn is what one application's namespace holds that nobody tracks.
type orphanedIn struct {
	Application string `json:"application"`
	*v1alpha1.OrphanedSummary
}

// printOrphaned lists what nobody tracks, of the applications whose project
// asks for it.
func printOrphaned(w io.Writer, output string, apps []v1alpha1.Application) error {
	list := []orphanedIn{}
	for _, app := range apps {
		if d := app.Status.Drift; d != nil && d.Orphaned != nil {
			list = append(list, orphanedIn{app.Name, d.Orphaned})
		}
	}
	if done, err := printData(w, output, list); done {
		return err
	}
	var b strings.Builder
	if len(list) == 0 {
		b.WriteString("no project of these applications asks for it: spec.orphanedResources\n")
	}
	orphanedText(&b, apps)
	for _, one := range list {
		for _, text := range one.Unlisted {
			fmt.Fprintf(&b, "%s: not looked at: %s\n", one.Application, text)
		}
	}
	if n := orphanedCount(apps); len(list) > 0 {
		fmt.Fprintf(&b, "%d orphaned: no sync touches them\n", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func orphanedText(b *strings.Builder, apps []v1alpha1.Application) {
	if orphanedCount(apps) == 0 {
		return
	}
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "APP\tORPHANED")
	for _, app := range apps {
		d := app.Status.Drift
		if d == nil || d.Orphaned == nil {
			continue
		}
		for _, o := range d.Orphaned.Objects {
			fmt.Fprintf(t, "%s\t%s\n", app.Name, object.Key{Group: o.Group, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name})
		}
		if more := d.Orphaned.Count - len(d.Orphaned.Objects); more > 0 {
			fmt.Fprintf(t, "%s\t%d more\n", app.Name, more)
		}
	}
	_ = t.Flush() // a strings.Builder takes everything
}

func orphanedCount(apps []v1alpha1.Application) int {
	n := 0
	for _, app := range apps {
		if d := app.Status.Drift; d != nil && d.Orphaned != nil {
			n += d.Orphaned.Count
		}
	}
	return n
}
