package proposal

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/adopt"
	"github.com/trueup-dev/trueup/drift/output"
	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Input is what there is to tell.
type Input struct {
	// App and Namespace name the application, Cluster its destination.
	App, Namespace, Cluster string
	Adopted                 []adopt.Adopted
	Refused                 []adopt.Refused
	// Timeline is what is remembered of the fields, the newest first.
	Timeline []Moment
	// Others are applications that the changed files describe as well.
	Others []string
	// Message takes the place of the title.
	Message string
	// Trailer names a difference in the commit's message.
	Trailer func(key object.Key, path string) string
}

// Moment is a line of the timeline.
type Moment struct {
	At   time.Time
	Text string
}

// Branch names the branch: the same values of the same application give the
// same name.
func (in Input) Branch() string {
	var all []string
	for _, a := range in.Adopted {
		value, err := json.Marshal(a.Field.Live)
		if err != nil {
			value = nil
		}
		all = append(all, fmt.Sprintf("%s\x00%s\x00%s", a.Key, a.Field.Path, value))
	}
	slices.Sort(all)
	sum := sha256.Sum256([]byte(in.Namespace + "/" + in.App + "\x01" + strings.Join(all, "\x01")))
	return snapshot.AdoptsBranch + in.App + "-" + hex.EncodeToString(sum[:4])
}

// Title is one line.
func (in Input) Title() string {
	if title, _, _ := strings.Cut(strings.TrimSpace(in.Message), "\n"); title != "" {
		return title
	}
	switch {
	case len(in.Adopted) == 1 && in.Adopted[0].Field.Path == "":
		return fmt.Sprintf("Drop %s, which was deleted", in.Adopted[0].Key.Short())
	case len(in.Adopted) == 1:
		return fmt.Sprintf("Adopt %s of %s", in.Adopted[0].Field.Path, in.Adopted[0].Key.Short())
	}
	return fmt.Sprintf("Adopt %d live values of %s", len(in.Adopted), in.App)
}

// Commit is the message of the commit, with trailers by which the agent knows
// what it takes over.
func (in Input) Commit() string {
	var b strings.Builder
	b.WriteString(in.Title() + "\n")
	if _, rest, _ := strings.Cut(strings.TrimSpace(in.Message), "\n"); strings.TrimSpace(rest) != "" {
		b.WriteString("\n" + strings.TrimSpace(rest) + "\n")
	}
	b.WriteString("\nWhat was changed in the cluster is written to Git:\n\n")
	for _, a := range in.Adopted {
		fmt.Fprintf(&b, "- %s%s\n", a.Key.Short(), in.change(a))
	}
	b.WriteString("\n")
	for _, a := range in.Adopted {
		b.WriteString(snapshot.AdoptsTrailer + in.Trailer(a.Key, a.Field.Path) + "\n")
	}
	return b.String()
}

func (in Input) change(a adopt.Adopted) string {
	if a.Field.Path == "" {
		return ": deleted"
	}
	text := fmt.Sprintf(" %s: %s to %s", a.Field.Path, shown(a.Field.Desired), shown(a.Field.Live))
	if hand := by(a); hand != "" {
		text += ", by " + output.Value(hand)
	}
	if a.Field.Time != nil {
		text += " at " + when(*a.Field.Time)
	}
	return text
}

func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// most is how much of a value is shown, in characters.
const most = 200

func shown(v any) string {
	if v == nil {
		return "nothing"
	}
	text := []rune(output.Value(v))
	if len(text) > most {
		return string(text[:most]) + "..."
	}
	return string(text)
}

func by(a adopt.Adopted) string {
	return strings.TrimSpace(a.Field.Manager + " " + strings.ToLower(a.Field.Operation))
}

// maxBody bounds the text in bytes: forges take 65,536 characters.
const maxBody = 60_000

// Body is the text of the pull request, in Markdown.
func (in Input) Body() string {
	var b strings.Builder
	fmt.Fprintf(&b, "The live values of the application %s", markdown.Code(in.App))
	if in.Cluster != "" {
		fmt.Fprintf(&b, " in the cluster %s", markdown.Code(in.Cluster))
	}
	b.WriteString(" are written to Git. Merged, this closes the difference: nothing changes in the cluster.\n")
	parts := in.table()
	parts = append(parts, in.refused()...)
	parts = append(parts, in.timeline()...)
	hidden := 0
	undo := in.undo()
	for _, part := range parts {
		if b.Len()+len(part)+len(undo)+100 > maxBody {
			hidden++
			continue
		}
		b.WriteString(part)
	}
	if hidden > 0 {
		fmt.Fprintf(&b, "\n%d more lines have no room here.\n", hidden)
	}
	b.WriteString(undo)
	return b.String()
}

func (in Input) table() []string {
	var out []string
	for _, a := range in.Adopted {
		since := "-"
		if a.Field.Time != nil {
			since = when(*a.Field.Time)
		}
		live := shown(a.Field.Live)
		if a.Field.Path == "" {
			live = "deleted"
		}
		out = append(out, fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s |\n", markdown.Text(a.Key.Short()), markdown.Code(a.Field.Path),
			markdown.Code(shown(a.Field.Desired)), markdown.Code(live), markdown.Text(cmp.Or(by(a), "not known")), since, markdown.Text(a.How)))
	}
	if len(out) > 0 {
		out[0] = "\n| Object | Field | Git | Live | Changed by | At | Written to |\n|---|---|---|---|---|---|---|\n" + out[0]
	}
	if len(in.Others) > 0 {
		out = append(out, "\n**The changed files describe other applications as well**: "+markdown.Text(strings.Join(in.Others, ", "))+".\n")
	}
	return out
}

func (in Input) refused() []string {
	var out []string
	for _, r := range in.Refused {
		out = append(out, fmt.Sprintf("| %s | %s | %s |\n", markdown.Text(r.Key.Short()), markdown.Code(r.Path), markdown.Text(r.Reason)))
	}
	if len(out) > 0 {
		out[0] = "\nNot adopted:\n\n| Object | Field | Because |\n|---|---|---|\n" + out[0]
	}
	return out
}

func (in Input) timeline() []string {
	var out []string
	for _, m := range in.Timeline {
		out = append(out, fmt.Sprintf("| %s | %s |\n", when(m.At), markdown.Text(m.Text)))
	}
	if len(out) > 0 {
		out[0] = "\nTimeline (UTC):\n\n| When | What |\n|---|---|\n" + out[0]
	}
	return out
}

func (in Input) undo() string {
	return "\nTo put back what Git says instead, close this and run:\n\n```sh\ntrueup sync " + in.App + " --drifted -n " + in.Namespace + "\n```\n"
}
