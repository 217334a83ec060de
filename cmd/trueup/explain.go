package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/repourl"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/reconcile"
)

// explained is what one application's objects depend on.
type explained struct {
	Application string `json:"application"`
	Objects     int    `json:"objects"`
	// Failed is why there are no objects: what was read led to it.
	Failed  string                  `json:"failed,omitempty"`
	Sources []reconcile.SourceReads `json:"sources"`
}

// explain tells what an application depends on, without passwords and tokens
// that are in URLs.
func explain(app string, d *reconcile.Desired, failure error) explained {
	out := explained{Application: app, Objects: len(d.Objects), Sources: d.Reads()}
	if failure != nil {
		out.Objects, out.Failed = 0, failure.Error()
	}
	for i := range out.Sources {
		s := &out.Sources[i]
		s.At.RepoURL = repourl.Redact(s.At.RepoURL)
		s.Reads.More = slices.Clone(s.Reads.More) // the memory of rendering has it, too
		for j := range s.Reads.More {
			s.Reads.More[j].At.RepoURL = repourl.Redact(s.Reads.More[j].At.RepoURL)
		}
	}
	return out
}

// printExplained tells, for each source, every question that rendering asked:
// a commit that changes none of the answers renders nothing.
func printExplained(w io.Writer, output string, all []explained) error {
	if done, err := printData(w, output, map[string]any{"applications": all}); done {
		return err
	}
	var b strings.Builder
	for _, app := range all {
		switch {
		case app.Failed != "":
			fmt.Fprintf(&b, "%s: it failed after it read\n", app.Application)
		case app.Objects == 1:
			fmt.Fprintf(&b, "%s: 1 object depends on\n", app.Application)
		default:
			fmt.Fprintf(&b, "%s: %d objects depend on\n", app.Application, app.Objects)
		}
		for _, s := range app.Sources {
			explainSource(&b, s)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func explainSource(b *strings.Builder, s reconcile.SourceReads) {
	questions := explainTree(b, s.At, s.Reads.Tree)
	for _, name := range slices.Sorted(maps.Keys(s.Reads.Refs)) {
		questions += explainTree(b, snapshot.Location{RepoURL: "$" + name}, s.Reads.Refs[name])
	}
	for _, more := range s.Reads.More {
		if more.Failed != "" {
			fmt.Fprintf(b, "  %s\n    cannot be opened: %s\n", place(more.At), more.Failed)
			questions++
			continue
		}
		questions += explainTree(b, more.At, more.Reads)
	}
	questions += explainCommit(b, s.Reads)
	for _, looked := range s.Reads.Live {
		fmt.Fprintf(b, "  the live %s\n", looked.Query)
		questions++
	}
	if s.Reads.Kube != nil {
		fmt.Fprintf(b, "  the version of Kubernetes: %s\n", *s.Reads.Kube)
		questions++
	}
	if s.Reads.APIs != nil {
		fmt.Fprintf(b, "  the %d API versions that the cluster serves\n", len(*s.Reads.APIs))
		questions++
	}
	if questions == 0 {
		fmt.Fprintf(b, "  %s\n    nothing: it is there for other sources to read from\n", place(s.At))
	}
}

// explainCommit tells what else than files of a repository counts, and counts it.
func explainCommit(b *strings.Builder, r render.Reads) int {
	questions := 0
	if r.Commit != nil {
		fmt.Fprintf(b, "  %s\n", strings.TrimSpace("the commit itself, by the build environment "+short(*r.Commit)))
		questions++
	}
	if r.Target != nil {
		fmt.Fprintf(b, "  %s\n", strings.TrimSpace("the targetRevision, by the build environment "+*r.Target))
		questions++
	}
	if r.Keys != nil {
		b.WriteString("  the keys that open encrypted files\n")
		questions++
	}
	return questions
}

func place(at snapshot.Location) string {
	return strings.Join(slices.DeleteFunc([]string{at.RepoURL, at.Chart, at.Revision}, func(s string) bool { return s == "" }), " ")
}

// question is one line: what was asked of a path.
type question struct{ path, word, id string }

// explainTree lists the questions to one tree by path, and counts them.
func explainTree(b *strings.Builder, at snapshot.Location, set snapshot.ReadSet) int {
	all := questions(set)
	if len(all) == 0 {
		return 0
	}
	fmt.Fprintf(b, "  %s\n", place(at))
	width := 0
	for _, q := range all {
		width = max(width, len(q.path))
	}
	for _, q := range all {
		b.WriteString(strings.TrimRight(fmt.Sprintf("    %-6s  %s  %s", q.word, pad(q.path, width), q.id), " ") + "\n")
	}
	return len(all)
}

func questions(set snapshot.ReadSet) []question {
	var all []question
	for path, id := range set.Content {
		switch {
		case id == snapshot.Absent:
			all = append(all, question{path: path, word: "absent"})
		case id == snapshot.Folder:
			if _, listed := set.Listing[path]; !listed {
				all = append(all, question{path: path + "/", word: "exists"})
			}
		case !strings.HasPrefix(id, "!"): // else it was tried and is no file
			all = append(all, question{path, "read", short(id)})
		}
	}
	for path, value := range set.Listing {
		id, digest, _ := strings.Cut(value, " ")
		all = append(all, question{path + "/", "listed", short(cmp.Or(id, digest))})
	}
	for path, kind := range set.Kind {
		_, read := set.Content[path]
		_, listed := set.Listing[path]
		switch {
		case kind == snapshot.Absent && !read:
			all = append(all, question{path: path, word: "absent"})
		case kind == "dir" && !listed:
			all = append(all, question{path: path + "/", word: "exists"})
		case kind == "file" && !read:
			all = append(all, question{path: path, word: "exists"})
		}
	}
	slices.SortFunc(all, func(a, b question) int { return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.word, b.word)) })
	return all
}
