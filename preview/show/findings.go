package show

import (
	"regexp"
	"strings"

	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/risk"
)

// Finding is a risk, told once for all applications that have it.
type Finding struct {
	Severity risk.Severity
	// Object and Message have nothing in them that does not print. Where
	// applications differ in nothing but their own names, they are of the first.
	Object, Message string
	// Apps are the applications, Where names some of them.
	Apps  []string
	Where string
	// Live: a cluster says so, and not Git.
	Live bool
}

// Findings are the risks of a report, those of Git and those of clusters, the
// gravest first.
func Findings(r preview.Report) []Finding {
	return told(r, r.AllRisks(), r.Live)
}

// Standing are the violations of policies that base has as well.
func Standing(r preview.Report) []Finding { return told(r, r.Standing, nil) }

func told(r preview.Report, all []risk.Finding, live *preview.Live) []Finding {
	type id struct {
		severity              risk.Severity
		rule, object, message string
		live                  bool
	}
	var order []id
	was := map[string]string{}
	for _, app := range r.Apps {
		was[app.Name] = app.Was
	}
	apps, first := map[id]*names{}, map[id]risk.Finding{}
	ofClusters := map[risk.Finding]bool{}
	if live != nil {
		for _, f := range live.Risks {
			ofClusters[f] = true
		}
	}
	for _, f := range all {
		k := id{f.Severity, f.Rule, f.Object, f.Message, ofClusters[f]}
		if f.Object == "Application "+f.Application {
			k.object, k.message = "Application", nameless(f.Message, f.Application, was[f.Application])
		}
		if apps[k] == nil {
			apps[k], first[k] = &names{}, f
			order = append(order, k)
		}
		apps[k].add(f.Application)
	}
	out := make([]Finding, 0, len(order))
	for _, k := range order {
		out = append(out, Finding{k.severity, markdown.Visible(first[k].Object), markdown.Visible(first[k].Message), apps[k].list, Few(apps[k].list), k.live})
	}
	return out
}

var word = regexp.MustCompile(`[a-z0-9][a-z0-9.-]*`)

// nameless is a text about an application without its names, old and new: equal
// for all of which the same is said.
func nameless(text, name, was string) string {
	return word.ReplaceAllStringFunc(text, func(w string) string {
		switch w {
		case name:
			return "\x00"
		case was:
			return "\x01"
		}
		return w
	})
}

// Merge tells what was rendered for the merge, where that is not the head.
func Merge(r preview.Report) string {
	switch {
	case r.Merge == "":
		return ""
	case hexadecimal(r.Merge):
		return "merged as " + Commit(r.Merge)
	}
	return "what is shown is the merge of both"
}

func hexadecimal(id string) bool {
	return !strings.ContainsFunc(id, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
}

// Commit is a commit's id as people write it.
func Commit(id string) string {
	const most = 7
	if !hexadecimal(id) {
		return markdown.Visible(id)
	}
	return id[:min(len(id), most)]
}
