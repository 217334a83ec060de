package follow

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/preview/post"
	"github.com/trueup-dev/trueup/preview/show"
)

// Phase is how far an application is with a merge.
type Phase string

// The phases. Waiting: nothing is known to be wrong, and it is not applied.
const (
	Waiting     Phase = "waiting"
	Progressing Phase = "progressing"
	Healthy     Phase = "healthy"
	Deleted     Phase = "deleted"
	Failed      Phase = "failed"
)

// Done tells that nothing more is to be expected.
func (p Phase) Done() bool { return p == Healthy || p == Deleted }

// Seen is what an application is now.
type Seen struct {
	Found bool
	// Contains: its revision is the merge, or a later commit.
	Contains bool
	Revision string
	Synced   bool
	// Automated: a sync begins by itself.
	Automated bool
	Health    string
	// Error is why it cannot be compared, SyncError why the sync of this
	// revision failed.
	Error, SyncError string
	HealthMessage    string
}

// Standing is an application and what became of it.
type Standing struct {
	App
	Phase    Phase
	Revision string
	Message  string
}

// Judge says how far an application is.
func Judge(app App, s Seen) Standing {
	out := Standing{App: app, Revision: s.Revision}
	is := func(p Phase, message string) Standing {
		out.Phase, out.Message = p, message
		return out
	}
	switch {
	case !s.Found && app.Deleted:
		return is(Deleted, "")
	case !s.Found:
		return is(Waiting, "it is not there yet")
	case app.Deleted:
		return is(Waiting, "it is still there: whatever made it does not take it away by itself")
	case s.Error != "":
		return is(Failed, s.Error)
	case !s.Contains && !app.Still:
		return is(Waiting, "the merge is not seen yet")
	case s.SyncError != "":
		return is(Failed, s.SyncError)
	case !s.Synced && !s.Automated:
		return is(Waiting, "it waits for a sync by somebody: /trueup sync "+app.Name)
	case !s.Synced:
		return is(Waiting, "the sync is not at its end")
	case s.Health == "Healthy" || s.Health == "":
		return is(Healthy, "")
	case s.Health == "Degraded":
		return is(Failed, strings.TrimSuffix("degraded: "+s.HealthMessage, ": "))
	}
	return is(Progressing, strings.ToLower(s.Health))
}

// Outcome is what became of a merge.
type Outcome struct {
	Merge string
	Apps  []Standing
	// Cut counts applications that are not followed for lack of room.
	Cut int
	// Over: it is not followed any longer, whatever its state.
	Over bool
}

// Count counts the applications of some phases.
func (o Outcome) Count(phases ...Phase) int { return count(o.Apps, phases...) }

func count(all []Standing, phases ...Phase) int {
	n := 0
	for _, a := range all {
		if slices.Contains(phases, a.Phase) {
			n++
		}
	}
	return n
}

// Settled tells that every application is done.
func (o Outcome) Settled() bool { return o.Over || o.Count(Healthy, Deleted) == len(o.Apps) }

// State is that of a status.
func (o Outcome) State() post.State { return stateOf(o.Apps, o.Over) }

func stateOf(all []Standing, over bool) post.State {
	switch {
	case count(all, Failed) > 0:
		return post.Failure
	case count(all, Healthy, Deleted) == len(all):
		return post.Success
	case over:
		return post.Neutral
	}
	return post.Pending
}

// Words say it in a line.
func (o Outcome) Words() string { return words(o.Apps, o.Over) }

func words(all []Standing, over bool) string {
	total := show.Count(len(all), "application", "applications")
	done, failed := count(all, Healthy, Deleted), count(all, Failed)
	switch {
	case len(all) == 0:
		return "no application changes"
	case failed > 0:
		return fmt.Sprintf("%s of %s failed, %s applied and healthy", show.Number(failed), total, show.Number(done))
	case done == len(all):
		return "applied and healthy in " + total
	case over:
		return fmt.Sprintf("%s of %s applied and healthy; not followed any longer", show.Number(done), total)
	}
	return fmt.Sprintf("%s of %s applied and healthy", show.Number(done), total)
}

// Environment is a cluster with its applications.
type Environment struct {
	Cluster string
	Apps    []Standing
}

// State is that of a deployment.
func (e Environment) State() post.State { return stateOf(e.Apps, false) }

// Words say it in a line.
func (e Environment) Words() string { return words(e.Apps, false) }

// Environments are the clusters, by name.
func (o Outcome) Environments() []Environment {
	by := map[string]*Environment{}
	var out []*Environment
	for _, a := range o.Apps {
		e := by[a.Cluster]
		if e == nil {
			e = &Environment{Cluster: a.Cluster}
			by[a.Cluster] = e
			out = append(out, e)
		}
		e.Apps = append(e.Apps, a)
	}
	slices.SortFunc(out, func(a, b *Environment) int { return cmp.Compare(a.Cluster, b.Cluster) })
	all := make([]Environment, 0, len(out))
	for _, e := range out {
		rank := func(s Standing) int {
			return slices.Index([]Phase{Failed, Waiting, Progressing, Deleted, Healthy}, s.Phase)
		}
		slices.SortStableFunc(e.Apps, func(a, b Standing) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Name, b.Name)) })
		all = append(all, *e)
	}
	return all
}

// Room is what a comment keeps free for the section, in bytes.
const Room = 6_000

const afterWord = "after"

// Into puts the section into a comment, in place of the one that is there.
func (o Outcome) Into(body string) string {
	lines := strings.SplitAfter(body, "\n")
	for i, line := range lines {
		if _, ok := post.Lookup(line, afterWord); ok {
			body = strings.Join(lines[:i], "")
			break
		}
	}
	return strings.TrimRight(body, "\n") + "\n\n" + o.section()
}

func (o Outcome) section() string {
	var b strings.Builder
	b.WriteString(post.Hidden(afterWord+" "+strings.TrimSpace(version)) + "\n### After the merge: " + markdown.Text(o.Words()) + "\n\n")
	b.WriteString("Merged as " + markdown.Code(show.Commit(o.Merge)) + ".\n")
	left := 0
	for _, e := range o.Environments() {
		head := "\n**" + markdown.Text(cmp.Or(e.Cluster, "no cluster")) + "**: " + markdown.Text(e.Words()) + "\n\n"
		for _, a := range e.Apps {
			line := "- " + markdown.Text(a.Name) + ": " + a.words() + "\n"
			if b.Len()+len(head)+len(line) > Room-400 {
				left++
				continue
			}
			b.WriteString(head + line)
			head = ""
		}
	}
	if left > 0 {
		fmt.Fprintf(&b, "\n%s more for which there is no room here.\n", show.Count(left, "application", "applications"))
	}
	if o.Cut > 0 {
		fmt.Fprintf(&b, "\nBeyond these, %s not followed.\n", show.Count(o.Cut, "application is", "applications are"))
	}
	return b.String()
}

// maxMessage bounds what is told of one application, in characters.
const maxMessage = 300

func (s Standing) words() string {
	text := map[Phase]string{
		Waiting: "⏳ waiting", Progressing: "🔄 applied", Healthy: "✅ applied and healthy", Deleted: "✅ deleted", Failed: "❌ failed",
	}[s.Phase]
	if s.Revision != "" && s.Phase != Waiting {
		text += " at " + markdown.Code(show.Commit(s.Revision))
	}
	if s.Message != "" {
		text += ": " + markdown.Text(post.Short(s.Message, maxMessage))
	}
	return text
}
