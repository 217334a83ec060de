package output

import (
	"fmt"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/drift/ownership"
	"github.com/trueup-dev/trueup/internal/markdown"
)

// hand is who wrote the live value, and when.
func hand(f drift.Field) string {
	name := Hand(f)
	if f.Time != nil {
		name += ", " + f.Time.UTC().Format(time.RFC3339)
	}
	return name
}

// Hand is who wrote the live value, or removed it, as far as that is known:
// "kubectl (scale) by ana from 10.0.0.7". A manager is a client's name, not a
// person's.
func Hand(f drift.Field) string {
	name := markdown.Visible(ownership.Client(f.Manager, f.Subresource))
	if name == "" && len(f.Audit) == 1 {
		name = markdown.Visible(f.Audit[0].Manager)
	}
	if text := By(f.Audit); text != "" {
		return strings.TrimPrefix(name+" "+text, " ")
	}
	switch {
	case name != "":
		return name
	case f.Trace != nil:
		return traced(f)
	}
	return "nobody is known to own it"
}

// byHand is hand as it goes on after what is live: a name with "by" before it.
func byHand(f drift.Field) string {
	text := hand(f)
	if f.Manager != "" || len(f.Audit) == 1 && f.Audit[0].Manager != "" {
		return "by " + text
	}
	return text
}

// By reads "by ana from 10.0.0.7", or "by one of ana, ben"; empty where nobody
// is known.
func By(actors []audit.Actor) string {
	if len(actors) == 0 {
		return ""
	}
	return "by " + markdown.Visible(audit.Text(actors))
}

// traced says when a value was changed or removed that nobody owns, and who
// wrote then.
func traced(f drift.Field) string {
	what := "changed"
	if f.Live == nil {
		what = "removed"
	}
	t := f.Trace
	text := fmt.Sprintf("%s between %s and %s", what, t.After.UTC().Format(time.DateTime), clock(t.Before, t.After))
	switch n := len(t.Managers); n {
	case 0:
		return text + ", nobody is known to have done it"
	case 1:
		return text + "; " + markdown.Visible(t.Managers[0]) + " wrote then"
	default:
		return text + "; " + markdown.Visible(strings.Join(t.Managers[:n-1], ", ")+" and "+t.Managers[n-1]) + " wrote then"
	}
}

// clock leaves out the day where it is that of another time.
func clock(at, other time.Time) string {
	at, other = at.UTC(), other.UTC()
	if at.Format(time.DateOnly) == other.Format(time.DateOnly) {
		return at.Format(time.TimeOnly)
	}
	return at.Format(time.DateTime)
}
