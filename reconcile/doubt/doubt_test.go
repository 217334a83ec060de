package doubt

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/drift"
)

func verdict(fields ...drift.Field) drift.Object {
	o := drift.Object{Kind: "Deployment", Name: "web", State: drift.InSync, Fields: fields}
	for _, f := range fields {
		if f.ToSync() {
			o.State = drift.Modified
		}
	}
	return o
}

func image(live any, class drift.Class, held bool) drift.Field {
	return drift.Field{Path: "spec.image", Desired: "a", Live: live, Class: class, Held: held}
}

func TestIn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason string
		o      drift.Object
		typed  bool
		want   bool
	}{
		{"nothing differs", verdict(), true, false},
		{"somebody else wrote it", verdict(image("b", drift.Declared, false)), true, false},
		{"nobody but us wrote it", verdict(image("b", drift.Declared, true)), true, true},
		{"Git dropped what we own", verdict(image("b", drift.Removed, true)), true, false},
		{"a rule explains it", verdict(image("b", drift.Expected, true)), true, false},
		{"nothing is known of the kind", verdict(image("b", drift.Declared, false)), false, true},
		{"somebody added it", verdict(image("b", drift.Undeclared, false)), false, false},
	} {
		if got := In(tc.o, tc.typed); got != tc.want {
			t.Errorf("%s: %t", tc.reason, got)
		}
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	q := Question{"hash", "7"}
	replicas := drift.Field{Path: "spec.replicas", Desired: 2, Live: 3, Class: drift.Declared}
	for _, tc := range []struct {
		reason string
		answer Answer
		o      drift.Object
		want   []string
		state  drift.State
	}{
		{"the server stores what live has", Stored(q, now, verdict(image("b", drift.Declared, true))), verdict(image("b", drift.Declared, true)),
			[]string{"expected server"}, drift.InSync},
		{"the server stores another value", Stored(q, now, verdict(image("c", drift.Declared, true))), verdict(image("b", drift.Declared, true)),
			[]string{"declared "}, drift.Modified},
		{"the server stores what Git says", Stored(q, now, verdict()), verdict(image("b", drift.Declared, true)), []string{"declared "}, drift.Modified},
		{"beside what somebody changed", Stored(q, now, verdict(image("b", drift.Declared, true))), verdict(image("b", drift.Declared, true), replicas),
			[]string{"expected server", "declared "}, drift.Modified},
		{"the server drops the field", Stored(q, now, verdict(image(nil, drift.Declared, true))), verdict(image(nil, drift.Declared, true)),
			[]string{"expected server"}, drift.InSync},
		{"nobody could be asked", Refused(q, now, "a webhook"), verdict(image("b", drift.Declared, true)), []string{"declared "}, drift.Modified},
		{"no answer", Answer{}, verdict(image("b", drift.Declared, true)), []string{"declared "}, drift.Modified},
	} {
		before := tc.o.Fields[0]
		got := tc.answer.Settle(tc.o)
		var words []string
		for _, f := range got.Fields {
			words = append(words, string(f.Class)+" "+f.Rule)
		}
		if diff := cmp.Diff(tc.want, words); diff != "" || got.State != tc.state {
			t.Errorf("%s: %s\n%s", tc.reason, got.State, diff)
		}
		if (got.Reason != "") != (tc.answer.reason != "") {
			t.Errorf("%s: the reason is %q", tc.reason, got.Reason)
		}
		if diff := cmp.Diff(before, tc.o.Fields[0]); diff != "" {
			t.Errorf("%s changed its input: %s", tc.reason, diff)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	q := Question{"hash", "7"}
	differs := verdict(image("b", drift.Declared, true))
	stored := Stored(q, now, differs)
	for _, tc := range []struct {
		reason string
		answer Answer
		q      Question
		at     time.Time
		o      drift.Object
		want   bool
	}{
		{"no answer", Answer{}, q, now, differs, false},
		{"the very object", stored, q, now, differs, true},
		{"a new version that differs alike", stored, Question{"hash", "8"}, now, differs, true},
		{"a new version that differs otherwise", stored, Question{"hash", "8"}, now, verdict(image("c", drift.Declared, true)), false},
		{"another desired object", stored, Question{"other", "7"}, now, differs, false},
		{"an old answer", stored, q, now.Add(MaxAge + 1), differs, false},
		{"a refusal for the very object", Refused(q, now, "x"), q, now, differs, true},
		{"a refusal for another version", Refused(q, now, "x"), Question{"hash", "8"}, now, differs, false},
		{"that applying would change it", Stored(q, now, verdict()), q, now, differs, true},
		{"that applying would have changed another version", Stored(q, now, verdict()), Question{"hash", "8"}, now, differs, false},
	} {
		if got := tc.answer.Answers(tc.q, tc.at, tc.o, true); got != tc.want {
			t.Errorf("%s: %t", tc.reason, got)
		}
	}
}
