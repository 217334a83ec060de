package agent

import (
	"testing"

	"github.com/trueup-dev/trueup/internal/history"
)

// TestRepeated: what an earlier process wrote is not told again, and nothing
// else is left out.
func TestRepeated(t *testing.T) {
	t.Parallel()
	config := history.Object{Kind: "ConfigMap", Name: "a"}
	opened := history.Drift{Object: config, Moment: "opened", Manager: "kubectl", Desired: "1", Live: "2"}
	with := func(change func(*history.Drift)) history.Drift {
		d := opened
		change(&d)
		return d
	}
	closed := with(func(d *history.Drift) { d.Moment, d.Cleared = "closed", true })
	blamed := with(func(d *history.Drift) { d.Moment = "blamed" })
	secret := with(func(d *history.Drift) { d.Kind = "Secret" })
	again := with(func(d *history.Drift) { d.Kind, d.Moment, d.Live = "Secret", "changed", "<secret #2>" })
	gone := with(func(d *history.Drift) { d.Kind, d.Moment, d.Cleared = "Secret", "closed", true })
	marked := with(func(d *history.Drift) { d.Kind, d.Live = "Secret", "<secret #2>" })
	for name, tc := range map[string]struct {
		last, now history.Drift
		want      bool
	}{
		"the same":                       {opened, opened, true},
		"the same, of whom more is said": {blamed, opened, true},
		"another value":                  {opened, with(func(d *history.Drift) { d.Moment, d.Live = "changed", "3" }), false},
		"another hand":                   {opened, with(func(d *history.Drift) { d.Moment, d.Manager = "changed", "helm" }), false},
		"it went":                        {opened, closed, false},
		"it went twice":                  {closed, closed, true},
		"it came again":                  {closed, opened, false},
		"who made it":                    {opened, blamed, false},
		"a secret of another process":    {secret, marked, true},
		"another value of a secret":      {secret, again, false},
		"yet another value of a secret":  {again, again, false},
		"a secret is as Git says":        {again, gone, false},
		"and was already":                {gone, gone, true},
	} {
		if got := repeated(tc.last, tc.now); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
