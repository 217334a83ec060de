package audit

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/drift/ownership"
	"github.com/trueup-dev/trueup/internal/object"
)

// Change is what to find the author of. What is not known is left empty.
type Change struct {
	// Path is the field's, as reports print it; empty for a whole object that
	// is Gone.
	Path string
	Gone bool
	// Manager, Subresource and Time are those of the managedFields entry that
	// owns the value; Manager is empty where nobody does.
	Manager, Subresource string
	Time                 *time.Time
	// Declared: each apply of ours puts back what Git says.
	Declared bool
	Window
}

// Window bounds when a change was made: after one version of the object and
// not after another, and between two times of the cluster's clock. The zero
// value is no bound.
type Window struct {
	From, To     string // resourceVersions
	After, Until time.Time
	// Written are the claims on the version From: requests that made these came
	// before it.
	Written []ownership.Foreign
}

// Actor is somebody who may have made a change.
type Actor struct {
	User string `json:"user"`
	// Impersonator is who acted as User.
	Impersonator string `json:"impersonator,omitempty"`
	// Addresses are the other ends of the connections, ForwardedFor what they
	// say to speak for.
	Addresses    []string `json:"addresses,omitempty"`
	ForwardedFor []string `json:"forwardedFor,omitempty"`
	UserAgent    string   `json:"userAgent,omitempty"`
	// Manager is the field manager of the request.
	Manager string    `json:"manager,omitempty"`
	Time    time.Time `json:"time"`
}

// Self tells requests of trueup itself from others.
type Self struct {
	// Users are the names by which the cluster knows the agent. Where they are
	// known, nobody else passes for it.
	Users []string
}

// agentName is what the agent's user agent begins with.
const agentName = "trueup-agent"

// Mark marks those that are trueup's own, in place.
func (s Self) Mark(events []Event) {
	for i := range events {
		e := &events[i]
		claims := e.Manager == object.FieldManager || e.Manager == agentName
		sender := cmp.Or(e.Impersonator, e.User)
		e.Own = claims && (len(s.Users) == 0 || slices.Contains(s.Users, sender))
	}
}

// Who returns those one of whom made a change, the latest first. One alone
// made it. None are returned where the events do not tell. Requests of one
// user are told as one.
//
// Version by version where events carry versions, else by time; by the
// manager where one owns the value; by the names in a patch where they are
// known.
func Who(c Change, events []Event) []Actor {
	sorted := slices.Clone(events)
	slices.SortStableFunc(sorted, func(a, b Event) int { return cmp.Or(a.Received.Compare(b.Received), a.Done.Compare(b.Done)) })
	begin := 0
	if c.From == "" && c.After.IsZero() {
		begin = c.begin(sorted)
	}
	var left []Event
	timed := c.Time == nil
	done := c.done(sorted)
	for i, e := range sorted {
		if i >= begin && !slices.Contains(done, i) && c.fits(&e) {
			left = append(left, e)
			timed = timed || e.spans(*c.Time)
		}
	}
	// Without the request that the entry's time is from, the events have a gap.
	if !timed {
		return nil
	}
	return actors(left)
}

// done are the places of requests that made claims on the version before the
// change: the only one of its manager in the second that a claim is from.
func (c *Change) done(sorted []Event) []int {
	var out []int
	for _, claim := range c.Written {
		if claim.Time == nil {
			continue
		}
		var made []int
		for i := range sorted {
			if e := &sorted[i]; e.Manager == claim.Manager && e.Subresource == claim.Subresource && e.spans(*claim.Time) {
				made = append(made, i)
			}
		}
		if len(made) == 1 {
			out = append(out, made[0])
		}
	}
	return out
}

// begin is the first event after the object was last as Git says, for a change
// of which nothing else tells when it was not there yet.
func (c *Change) begin(sorted []Event) int {
	begin := 0
	for i := range sorted {
		e := &sorted[i]
		if e.Name == "" || e.Subresource != "" || e.Verb == "delete" || !c.follows(e) {
			continue
		}
		if e.Own && (c.Declared || c.Gone) || c.Gone && e.Verb == "create" {
			begin = i + 1
		}
	}
	return begin
}

// follows reports that the change came after an event. Of what happened in the
// same second, a time in managedFields says nothing.
func (c *Change) follows(e *Event) bool {
	if c.Time != nil {
		return e.Done.Before(c.Time.Truncate(time.Second))
	}
	return c.Until.IsZero() || !e.Done.After(c.Until)
}

// fits reports an event that may have made the change.
func (c *Change) fits(e *Event) bool {
	if e.Own {
		return false
	}
	if deletes := e.Verb == "delete" || e.Verb == "deletecollection" || e.Subresource == "eviction"; deletes || c.Gone {
		return deletes && c.Gone && c.within(e)
	}
	switch {
	case c.Manager != "" && (c.Manager != e.Manager || c.Subresource != e.Subresource):
		return false
	case c.Manager == "" && e.Subresource == "status":
		return false
	}
	return c.within(e) && e.touches(c.Path)
}

// within holds an event against the window. Versions count where they are
// known: clocks may be apart.
func (c *Change) within(e *Event) bool {
	if c.Time != nil && e.Received.Truncate(time.Second).After(*c.Time) {
		return false
	}
	switch {
	case c.From != "" && c.To != "" && e.Version != "" && !c.Gone:
		return newer(e.Version, c.From) && !newer(e.Version, c.To)
	case c.From != "" && c.To != "" && e.Base != "":
		return !newer(c.From, e.Base) && newer(c.To, e.Base)
	}
	return !e.Done.Before(c.After.Truncate(time.Second)) && (c.Time != nil || c.Until.IsZero() || !e.Received.After(c.Until))
}

// spans reports a request that was under way in the second of a time in
// managedFields: these are set while it is.
func (e *Event) spans(at time.Time) bool {
	at = at.Truncate(time.Second)
	return !e.Received.Truncate(time.Second).After(at) && !e.Done.Before(at)
}

// newer compares resourceVersions. Those that are no numbers are not.
func newer(a, b string) bool {
	x, errX := strconv.ParseUint(a, 10, 64)
	y, errY := strconv.ParseUint(b, 10, 64)
	return errX == nil && errY == nil && x > y
}

// maxAddresses bounds those of one actor.
const maxAddresses = 4

// actors are those of some events in order of time, by who they are.
func actors(sorted []Event) []Actor {
	var out []Actor
	for _, e := range slices.Backward(sorted) {
		i := slices.IndexFunc(out, func(a Actor) bool { return a.User == e.User && a.Impersonator == e.Impersonator })
		if i < 0 {
			i = len(out)
			out = append(out, Actor{
				User: e.User, Impersonator: e.Impersonator, ForwardedFor: e.ForwardedFor, UserAgent: e.UserAgent, Manager: e.Manager, Time: e.Received,
			})
		}
		if a := &out[i]; e.Address != "" && len(a.Addresses) < maxAddresses && !slices.Contains(a.Addresses, e.Address) {
			a.Addresses = append(a.Addresses, e.Address)
		}
	}
	return out
}

// Join adds to some actors those that are known by now.
func Join(known, more []Actor) []Actor {
	out := slices.Clone(more)
	for _, a := range known {
		if !slices.ContainsFunc(out, func(b Actor) bool { return a.User == b.User && a.Impersonator == b.Impersonator }) {
			out = append(out, a)
		}
	}
	return out
}

// String reads "ana from 10.0.0.7", and "ana (impersonated by ci) from
// 10.0.0.7 (for 203.0.113.9)".
func (a Actor) String() string {
	out := a.User
	if a.Impersonator != "" {
		out += " (impersonated by " + a.Impersonator + ")"
	}
	if len(a.Addresses) > 0 {
		out += " from " + strings.Join(a.Addresses, " or ")
	}
	if len(a.ForwardedFor) > 0 {
		out += " (for " + strings.Join(a.ForwardedFor, ", ") + ")"
	}
	return out
}

// named bounds the actors that a text lists.
const named = 3

// Text reads "ana from 10.0.0.7", or "one of ana, ben"; empty for none.
func Text(actors []Actor) string {
	if len(actors) < 2 {
		return strings.Join(each(actors), "")
	}
	text := "one of " + strings.Join(each(actors[:min(named, len(actors))]), ", ")
	if n := len(actors) - named; n > 0 {
		text += " and " + strconv.Itoa(n) + " more"
	}
	return text
}

func each(actors []Actor) []string {
	out := make([]string, len(actors))
	for i, a := range actors {
		out[i] = a.String()
	}
	return out
}
