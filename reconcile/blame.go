package reconcile

import (
	"context"
	"slices"
	"time"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/drift/ownership"
	"github.com/trueup-dev/trueup/internal/object"
)

// closed is drift that went before anybody could tell who made it. Audit
// events come in batches, half a minute late by default; a correction does not
// wait for them.
type closed struct {
	event DriftEvent
	open  open
	until time.Time
}

// Bounds of the drift that is waited for after it went.
const (
	waitForAudit = 5 * time.Minute
	maxClosed    = 64
)

// close keeps what went, so that who made it can still be told.
func (m *Memory) close(event DriftEvent, o open) {
	if !m.audited || len(event.Audit) > 0 {
		return
	}
	m.closed = append(m.closed, closed{event, o, event.At.Add(waitForAudit)})
	if n := len(m.closed) - maxClosed; n > 0 {
		m.closed = slices.Delete(m.closed, 0, n)
	}
}

// blamer finds out who made the drift of one application.
type blamer struct {
	flow *Flow
	app  *v1alpha1.Application
	view *View
	mem  *Memory
}

// attribute adds to drift who made it, as far as two versions of its object
// and audit events tell. What was known before stays known. More is what is
// waited for as well: drift that this look has corrected.
func (b blamer) attribute(ctx context.Context, all, more []Drift) {
	mem, now := b.mem, b.flow.Now()
	mem.closed = slices.DeleteFunc(mem.closed, func(c closed) bool { return now.After(c.until) })
	events := b.audited(ctx, slices.Concat(all, more))
	for i := range all {
		d := &all[i]
		old, known := mem.open[d.place()]
		same := known && !old.differs(changeOf(*d))
		var before []audit.Actor
		found := now
		if d.window, d.ours = b.view.seen[d.Key].window, !known; same {
			d.window, d.ours, before, found = old.window, old.ours, audit.Shown(old.change), old.found
		}
		if d.Field != nil && d.Field.Manager == "" {
			switch {
			case same:
				d.Field.Trace = traceOf(old.change.Trace)
			case d.window != nil:
				d.Field.Trace = d.window.trace
			}
		}
		change := changeOf(*d)
		d.Audit = audit.Join(before, audit.Who(toFind(change, d.window, found, d.ours), events[d.Key]))
		if d.Field != nil {
			d.Field.Audit = d.Audit
		}
	}
	mem.closed = slices.DeleteFunc(mem.closed, func(c closed) bool {
		by := audit.Who(toFind(c.open.change, c.open.window, c.event.FoundAt, c.open.ours), events[c.event.Key])
		if len(by) == 0 {
			return false
		}
		e := c.event
		e.At, e.Moment, e.How, e.By, e.Audit = now, Blamed, "", "", by
		if e.Field != nil {
			field := *e.Field
			field.Audit = by
			e.Field = &field
		}
		mem.late = append(mem.late, e)
		return true
	})
}

// audited lists the requests on what drifted, and has the application looked
// at when more are known.
func (b blamer) audited(ctx context.Context, all []Drift) map[object.Key][]audit.Event {
	f, mem := b.flow, b.mem
	if f.Audit == nil {
		return nil
	}
	var keys []object.Key
	add := func(key object.Key) {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	for _, d := range all {
		add(d.Key)
	}
	for _, c := range mem.closed {
		add(c.event.Key)
	}
	if len(keys) == 0 && !mem.audited {
		return nil
	}
	mem.audited = true
	return f.Audit.Writes(ctx, f.ID(b.app), b.view.cluster, keys)
}

// toFind is what is known of a change. What was ours before the change was
// taken from us in the part of the window in which our entry changed.
func toFind(c v1alpha1.DriftChange, w *window, found time.Time, ours bool) audit.Change {
	out := audit.Change{Path: c.Path, Gone: c.Path == "", Manager: c.Manager, Subresource: c.Subresource, Declared: drift.Class(c.Class) == drift.Declared}
	if c.Time != nil {
		out.Time = &c.Time.Time
	}
	switch {
	case w == nil && !found.IsZero():
		out.Until = found.Add(clocks)
	case w != nil && ours && out.Declared:
		out.Window = w.own
	case w != nil:
		out.Window = w.Window
	}
	return out
}

func traceOf(t *v1alpha1.DriftTrace) *ownership.Trace {
	if t == nil || t.After == nil || t.Before == nil {
		return nil
	}
	return &ownership.Trace{After: t.After.UTC(), Before: t.Before.UTC(), Managers: t.Managers}
}

// usersOf are the users of some actors, in an order of their own.
func usersOf(actors []audit.Actor) []string {
	var out []string
	for _, a := range actors {
		out = append(out, a.User+" "+a.Impersonator)
	}
	slices.Sort(out)
	return out
}
