package doubt

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/trueup-dev/trueup/drift"
)

// Rule names what explains a difference that applying does not take away.
const Rule = "server"

// MaxAge bounds how long an answer is believed: webhooks come and go.
const MaxAge = time.Hour

// In reports a verdict that only the server can confirm; typed says that the
// structure of the kind is known.
func In(o drift.Object, typed bool) bool {
	return slices.ContainsFunc(o.Fields, func(f drift.Field) bool { return doubtful(f, typed) })
}

func doubtful(f drift.Field, typed bool) bool {
	return f.Class == drift.Declared && (f.Held || !typed)
}

// Question is what an answer is about.
type Question struct {
	// Desired stands for what is compared beside live, and Version is live's.
	Desired, Version string
}

// Answer is what the server makes of one desired object. The zero value
// answers nothing.
type Answer struct {
	of     Question
	at     time.Time
	stored map[string]string // path of what applying leaves different -> hash of the value
	reason string            // why nobody could be asked
}

// Stored is the answer of a server that stored, or would store, an object
// which compares to the desired one like this.
func Stored(q Question, at time.Time, o drift.Object) Answer {
	a := Answer{of: q, at: at, stored: map[string]string{}}
	for _, f := range o.Fields {
		if f.ToSync() {
			a.stored[f.Path] = hash(f.Live)
		}
	}
	return a
}

// Refused is no answer, with the reason.
func Refused(q Question, at time.Time, reason string) Answer {
	return Answer{of: q, at: at, reason: reason}
}

// Answers reports whether the answer, or that there is none, still holds for a
// question about a verdict: for the very object, or for another version of it
// whose differences are all known.
func (a Answer) Answers(q Question, now time.Time, o drift.Object, typed bool) bool {
	if a.of.Desired != q.Desired || now.Sub(a.at) > MaxAge || a.at.IsZero() {
		return false
	}
	if a.of.Version == q.Version {
		return true
	}
	return a.reason == "" && !slices.ContainsFunc(o.Fields, func(f drift.Field) bool { return doubtful(f, typed) && !a.explains(f) })
}

func (a Answer) explains(f drift.Field) bool {
	value, ok := a.stored[f.Path]
	return ok && f.ToSync() && value == hash(f.Live)
}

// Settle returns a verdict with what the answer says about it. The verdict
// itself is not changed.
func (a Answer) Settle(o drift.Object) drift.Object {
	if o.State != drift.Modified {
		return o
	}
	if a.reason != "" {
		o.Reason = "what a sync would change is not confirmed by the server: " + a.reason
		return o
	}
	o.Fields = slices.Clone(o.Fields)
	for i, f := range o.Fields {
		if a.explains(f) {
			o.Fields[i].Class, o.Fields[i].Rule = drift.Expected, Rule
		}
	}
	if !slices.ContainsFunc(o.Fields, drift.Field.ToSync) {
		o.State = drift.InSync
	}
	return o
}

// hash stands for a value, which may be large or a mark.
func hash(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		text = fmt.Append(nil, v)
	}
	sum := sha256.Sum256(text)
	return string(sum[:16])
}
