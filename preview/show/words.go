package show

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/trueup-dev/trueup/preview"
)

// Count writes a number with a noun: "1 object", "1,204 applications".
func Count(n int, one, many string) string { return Number(n) + " " + Plural(n, one, many) }

// Plural is the form of a noun for a number of things.
func Plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Number groups digits by three.
func Number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Verdict tells in a sentence what a merge would do.
func Verdict(r preview.Report) string {
	text, counts, failures := Parts(r)
	if len(counts) > 0 {
		text += ": " + strings.Join(counts, ", ")
	}
	return strings.Join(append([]string{text}, failures...), "; ")
}

// Parts are those of the verdict: how many applications change, what that comes
// to, and what is not known.
func Parts(r preview.Report) (text string, counts, failures []string) {
	switch changed := r.Changed(); {
	case changed == 0 && r.Complete():
		text = "nothing changes"
		if r.Total > 0 {
			text += " in " + Count(r.Total, "application", "applications")
		}
	case changed == 0:
		text = "what changes is not known"
	default:
		text = fmt.Sprintf("%s of %s change", Number(changed), Count(r.Total, "application", "applications"))
		if changed == 1 {
			text += "s"
		}
		counts = changes(r)
	}
	failed := r.Failed()
	if failed.Broken > 0 {
		failures = append(failures, Number(failed.Broken)+" cannot be rendered")
	}
	if failed.Already > 0 {
		failures = append(failures, Number(failed.Already)+" could not be rendered before either")
	}
	if failed.Mended > 0 {
		failures = append(failures, Number(failed.Mended)+" could not be rendered before, and can now")
	}
	if n := len(r.Problems); n > 0 {
		failures = append(failures, Count(n, "problem", "problems"))
	}
	return text, counts, failures
}

// Rendered tells what was looked at.
func Rendered(r preview.Report) string {
	known := r.Known()
	text := Number(known) + " of " + Count(r.Total, "application", "applications") + " rendered"
	if failed := r.Rendered - known; failed > 0 {
		text += ", " + Number(failed) + " failed"
	}
	switch rest := r.Total - r.Rendered; {
	case rest == 0 || len(r.Problems) > 0:
	case r.Rendered == 0:
		text += ": " + Plural(rest, "it reads", "they read") + " nothing that the change touches"
	default:
		text += ", the " + Plural(rest, "other one reads", "others read") + " nothing that the change touches"
	}
	return text
}

// changes tells how many objects there are of each action, and how many
// applications change themselves.
func changes(r preview.Report) []string {
	var parts []string
	for _, a := range []struct {
		action    preview.Action
		one, many string
	}{
		{preview.Update, "update", "updates"},
		{preview.Create, "create", "creates"},
		{preview.Rename, "rename", "renames"},
		{preview.Delete, "delete", "deletes"},
		{preview.Unknown, "not compared", "not compared"},
	} {
		if n := r.Count(a.action); n > 0 {
			parts = append(parts, Count(n, a.one, a.many))
		}
	}
	if n := r.Kept(); n > 0 {
		parts = append(parts, Count(n, "object", "objects")+" described no more and kept")
	}
	apps, kept, renamed := map[preview.Action]int{}, 0, 0
	for _, s := range Settings(r) {
		if s.Action == preview.Rename {
			renamed += len(s.Apps)
		}
		if s.Action == preview.Delete && s.Kept != "" {
			kept += len(s.Apps)
			continue
		}
		if s.Action != preview.Rename || len(s.Blocks) > 0 {
			apps[s.Action] += len(s.Apps)
		}
	}
	if n := apps[preview.Create]; n > 0 {
		parts = append(parts, Count(n, "new application", "new applications"))
	}
	if n := apps[preview.Delete]; n > 0 {
		parts = append(parts, Count(n, "application goes away", "applications go away"))
	}
	if kept > 0 {
		parts = append(parts, Count(kept, "application", "applications")+" described no more and kept")
	}
	if renamed > 0 {
		parts = append(parts, Count(renamed, "application renamed", "applications renamed"))
	}
	if n := apps[preview.Update] + apps[preview.Rename]; n > 0 {
		parts = append(parts, "settings of "+Count(n, "application", "applications"))
	}
	return parts
}

// Where tells the applications of a section, and the clusters where there are
// several: "web on eu-1", "web-eu-1, web-eu-2 and 3 more".
func Where(s preview.Section) string {
	var names []string
	for _, t := range s.Targets {
		if !slices.Contains(names, t.Application) {
			names = append(names, t.Application)
		}
	}
	text := Few(names)
	if clusters := Clusters(s); len(clusters) == 1 {
		text += " on " + clusters[0]
	} else if len(clusters) > 1 {
		text += fmt.Sprintf(" on %d clusters", len(clusters))
	}
	return text
}

// Clusters lists where a section's applications go, each once.
func Clusters(s preview.Section) []string {
	var out []string
	for _, t := range s.Targets {
		if t.Cluster != "" && !slices.Contains(out, t.Cluster) {
			out = append(out, t.Cluster)
		}
	}
	slices.Sort(out)
	return out
}

// Few lists some names of many.
func Few(names []string) string { return few(names, ", ") }

func few(names []string, between string) string {
	const most = 3
	if n := len(names); n > most+1 {
		return strings.Join(names[:most], between) + " and " + Number(n-most) + " more"
	}
	return strings.Join(names, between)
}

// Action is what happens to an object, or an application, in a word; kept is why
// it stays where it is described no more.
func Action(a preview.Action, kept string) string {
	switch {
	case a == preview.Delete && kept != "":
		return "kept"
	case a == preview.Unknown:
		return "not compared"
	}
	return string(a)
}

// Title names an object, and where it was renamed its old name.
func Title(o preview.Object) string {
	text := o.Key().Short()
	if o.Action == preview.Rename {
		text += ", was " + o.Was
	}
	if o.Kept != "" {
		text += ", which stays: " + o.Kept
	}
	return text
}

// Size counts the added and removed lines of an object.
func Size(o preview.Object) (added, removed int) { return Signs(Lines(o)) }

// Signs counts added and removed lines.
func Signs(lines []Line) (added, removed int) {
	for _, l := range lines {
		switch l.Sign {
		case '+':
			added++
		case '-':
			removed++
		}
	}
	return added, removed
}
