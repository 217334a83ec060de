package show

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/preview"
)

// LiveCluster is what some clusters say in sum: those that say the same.
type LiveCluster struct {
	// Names are of some, Text is what they say, with its time; neither has
	// anything in it that does not print.
	Names, Text string
	// Clusters are all of them.
	Clusters []string
	// Incomplete: not all that could be asked was answered.
	Incomplete bool
}

// LiveItem is a verdict, told once for all applications and clusters that have
// it. Its texts have nothing in them that does not print.
type LiveItem struct {
	Verdict      preview.Verdict
	Object, Text string
	// Details are lines of their own: the live edits.
	Details []string
	// Where names some of the applications, and of the clusters.
	Where          string
	Apps, Clusters []string
}

// LiveVerdict tells in a few words what clusters say; empty where none was
// asked.
func LiveVerdict(l *preview.Live) string {
	if l == nil {
		return ""
	}
	n := map[preview.Verdict]int{}
	unknown, left := 0, 0
	for _, d := range l.Destinations {
		for _, o := range d.Objects {
			n[o.Verdict]++
		}
		if left += d.LeftOut; d.Unknown != "" {
			unknown++
		}
	}
	parts := counted(n)
	if left > 0 {
		parts = append(parts, Count(left, "not asked about", "not asked about"))
	}
	if unknown > 0 {
		parts = append(parts, "live state unknown of "+Count(unknown, "cluster", "clusters"))
	}
	if len(parts) == 0 {
		return "nothing to ask"
	}
	return strings.Join(parts, ", ")
}

// Summary is Verdict, with what clusters say where some were asked.
func Summary(r preview.Report) string {
	if said := LiveVerdict(r.Live); said != "" {
		return Verdict(r) + "; live: " + said
	}
	return Verdict(r)
}

// counted words how many verdicts there are, the gravest first.
func counted(n map[preview.Verdict]int) []string {
	var out []string
	for _, v := range preview.Verdicts() {
		if n[v] == 0 {
			continue
		}
		var text string
		switch v {
		case preview.Rejected:
			text = Number(n[v]) + " rejected"
		case preview.Recreate:
			text = Number(n[v]) + " to be made anew"
		case preview.Overwrite:
			text = Count(n[v], "overwrites a live edit", "overwrite live edits")
		case preview.NotJudged:
			text = Number(n[v]) + " not judged"
		case preview.Drifted:
			text = Number(n[v]) + " drifted already"
		case preview.Altered:
			text = Number(n[v]) + " stored otherwise"
		case preview.Kept:
			text = Count(n[v], "is kept", "are kept")
		case preview.Later:
			text = Count(n[v], "waits for what the change creates", "wait for what the change creates")
		case preview.AlreadySo:
			text = Number(n[v]) + " already so"
		case preview.AsPredicted:
			text = Number(n[v]) + " as predicted"
		}
		out = append(out, text)
	}
	return out
}

// LiveClusters sums up clusters; those that say the same are told once.
func LiveClusters(l *preview.Live) []LiveCluster {
	type sum struct {
		names       names
		first, last time.Time
		incomplete  bool
	}
	all := map[string]*sum{}
	var order []string
	for _, d := range l.Destinations {
		n := map[preview.Verdict]int{}
		for _, o := range d.Objects {
			n[o.Verdict]++
		}
		parts := counted(n)
		if d.LeftOut > 0 {
			parts = append(parts, Number(d.LeftOut)+" not asked about")
		}
		text := strings.Join(parts, ", ")
		if d.Unknown != "" {
			text = strings.TrimSuffix("live state unknown: "+d.Unknown+"; "+text, "; ")
		}
		s := all[text]
		if s == nil {
			s = &sum{first: d.AsOf, last: d.AsOf}
			all[text], order = s, append(order, text)
		}
		s.names.add(d.Cluster)
		s.incomplete = s.incomplete || !d.Complete()
		if d.AsOf.Before(s.first) {
			s.first = d.AsOf
		}
		if d.AsOf.After(s.last) {
			s.last = d.AsOf
		}
	}
	out := make([]LiveCluster, 0, len(order))
	for _, text := range order {
		s := all[text]
		at := moment(s.first)
		if last := moment(s.last); last != at {
			at += " to " + last
		}
		out = append(out, LiveCluster{Few(s.names.list), markdown.Visible("as of " + at + ": " + text), s.names.list, s.incomplete})
	}
	return out
}

func moment(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05 UTC") }

// LiveItems are the verdicts that say more than that all is as predicted, the
// gravest first.
func LiveItems(l *preview.Live) []LiveItem {
	type where struct{ apps, clusters names }
	found := map[string]*where{}
	items := map[string]LiveItem{}
	var order []string
	for _, d := range l.Destinations {
		for _, o := range d.Objects {
			item := itemOf(o)
			if o.Verdict == preview.AsPredicted && item.Text == "" {
				continue
			}
			id := fmt.Sprintf("%s\x00%s\x00%s\x00%q", item.Verdict, item.Object, item.Text, item.Details)
			w := found[id]
			if w == nil {
				w = &where{}
				found[id], items[id], order = w, item, append(order, id)
			}
			w.apps.add(o.Application)
			w.clusters.add(d.Cluster)
		}
	}
	out := make([]LiveItem, 0, len(order))
	for _, id := range order {
		item := items[id]
		item.Apps, item.Clusters = found[id].apps.list, found[id].clusters.list
		item.Where = Few(item.Apps) + " on " + Few(item.Clusters)
		out = append(out, item)
	}
	rank := preview.Verdicts()
	slices.SortStableFunc(out, func(a, b LiveItem) int { return slices.Index(rank, a.Verdict) - slices.Index(rank, b.Verdict) })
	return out
}

// itemOf words a verdict.
func itemOf(o preview.Judged) LiveItem {
	item := LiveItem{Verdict: o.Verdict, Object: markdown.Visible(o.Key().Short())}
	text := ""
	switch o.Verdict {
	case preview.Rejected:
		text = "would be rejected" + by(o)
	case preview.Recreate:
		text = "would have to be made anew: " + o.Reason
	case preview.Overwrite:
		n := len(o.Overwrites) + o.More
		text = "would overwrite " + Count(n, "live edit", "live edits")
		if o.Unasked() {
			text += "; the rest is not judged: " + o.Reason
		}
	case preview.NotJudged, preview.Later:
		text = "is not judged: " + o.Reason
	case preview.Drifted:
		text = "would be accepted"
	case preview.Altered:
		text = "would be accepted, and stored otherwise"
	case preview.Kept:
		text = "stays: " + o.Reason
	case preview.AlreadySo:
		text = "is so already, and the change has no effect there"
		if o.Reason != "" {
			text = o.Reason
		}
	case preview.AsPredicted:
		text = o.Reason
	}
	if o.Missing {
		text += ", though it is missing there: it would be made anew"
	}
	if o.Manual && o.Verdict.Grave() {
		text += " (once somebody syncs the application, which is not automatic)"
	}
	if o.Drifted > 0 {
		text += "; it has drifted already in " + Count(o.Drifted, "other field", "other fields")
	}
	item.Details = details(o)
	item.Text = markdown.Visible(strings.TrimPrefix(text, "; "))
	return item
}

// details are the edits of an object, and what the cluster makes of it.
func details(o preview.Judged) []string {
	var out []string
	for _, e := range o.Overwrites {
		out = append(out, markdown.Visible(Edit(e)))
	}
	if o.More > 0 {
		out = append(out, "and "+Number(o.More)+" more")
	}
	for _, e := range o.Drifts {
		out = append(out, markdown.Visible(Edit(e)))
	}
	if left := o.Drifted - len(o.Drifts); left > 0 {
		out = append(out, "and "+Number(left)+" more that differ")
	}
	for _, f := range o.Stored {
		out = append(out, markdown.Visible(f.Path+": Git says "+orNothing(f.Before)+", the cluster stores "+orNothing(f.After)))
	}
	return out
}

// by names who refuses, and why.
func by(o preview.Judged) string {
	switch o.Cause {
	case preview.ByWebhook:
		return " by the webhook " + o.By + ": " + o.Reason
	case preview.ByPolicy:
		return " by the policy " + o.By + ": " + o.Reason
	case preview.ByQuota:
		return " by the quota " + o.By + ": " + o.Reason
	case preview.ByImmutable:
		return ", because it cannot be changed in place: " + o.Reason
	case preview.ByValidation, preview.ByAdmission, preview.ByNamespace, preview.ByKind, preview.ByOwner, preview.ByPermission, preview.BySideEffect, preview.ByFailure:
	}
	return ": " + o.Reason
}

// Edit tells of a live value whose it is, since when, and what becomes of it.
func Edit(e preview.Edit) string {
	text := e.Path + ": "
	switch {
	case e.Hidden:
		text += "a value that is not shown"
	case e.Live == nil:
		text += "not there"
	default:
		text += short(e.Live)
	}
	if e.Manager != "" {
		text += ", by " + e.Manager
		if e.Subresource != "" {
			text += " (" + e.Subresource + ")"
		}
	}
	if e.Time != nil {
		text += " since " + e.Time.UTC().Format("2006-01-02 15:04 UTC")
	} else if e.FoundAt != nil {
		text += ", found " + e.FoundAt.UTC().Format("2006-01-02 15:04 UTC")
	}
	if who := audit.Text(e.Audit); who != "" {
		text += ", " + who
	}
	if base, head := orNothing(e.Base), orNothing(e.Head); base != head {
		text += "; base says " + base + ", head " + head
	} else {
		text += "; Git says " + base
	}
	if e.Stays {
		text += "; it stays"
	}
	return text
}

func orNothing(v any) string {
	if v == nil {
		return "nothing"
	}
	return short(v)
}

// short is a value in a few words.
func short(v any) string {
	const most = 80
	text := scalar(v)
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return text
}
