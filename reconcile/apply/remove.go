package apply

import (
	"context"
	"fmt"

	"github.com/trueup-dev/trueup/drift/revert"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/reconcile/plan"
)

// remove takes away what somebody added. Where the server refuses to do all of
// it, it is asked about each value, and what it would let go goes at once.
func (r *runner) remove(ctx context.Context, s plan.Step, e *Entry) error {
	if s.UID == "" || s.Version == "" {
		return fault.New(fault.Invalid, "the plan does not name the version of the object that it removes fields from")
	}
	err := r.take(ctx, s, s.Remove, e)
	if !refusal(err) {
		return err
	}
	e.Refused = map[string]string{}
	var rest []revert.Removal
	for _, one := range s.Remove {
		if len(s.Remove) > 1 {
			p := patchOf(s, one)
			p.DryRun = true
			if _, err = r.writer.Remove(ctx, p); err == nil {
				rest = append(rest, one)
				continue
			}
		}
		switch {
		case fault.Of(err) == fault.Conflict:
			e.Changed, e.Refused = true, nil
			return nil
		case !refusal(err):
			return err
		}
		e.refuse(one, err)
	}
	if len(rest) == 0 {
		return nil
	}
	if err = r.take(ctx, s, rest, e); !refusal(err) {
		return err
	}
	for _, one := range rest { // each would do, and all of them do not
		e.refuse(one, err)
	}
	return nil
}

// take removes values. That the object was changed is no failure.
func (r *runner) take(ctx context.Context, s plan.Step, removals []revert.Removal, e *Entry) error {
	live, err := r.writer.Remove(ctx, patchOf(s, removals...))
	switch {
	case fault.Of(err) == fault.Conflict, fault.Of(err) == fault.Missing:
		e.Changed = true
		return nil
	case err != nil:
		return fmt.Errorf("remove fields: %w", err)
	}
	e.Live = live
	return nil
}

// refusal reports an answer that would be the same another time.
func refusal(err error) bool {
	kind := fault.Of(err)
	return err != nil && (kind == fault.Invalid || kind == fault.Denied)
}

func (e *Entry) refuse(r revert.Removal, err error) {
	for _, path := range r.Paths {
		e.Refused[path] = err.Error()
	}
}

func patchOf(s plan.Step, removals ...revert.Removal) Patch {
	p := Patch{APIVersion: s.APIVersion, Key: s.Key, UID: s.UID, Version: s.Version}
	for _, r := range removals {
		p.Pointers = append(p.Pointers, r.Pointer)
	}
	return p
}
