package rollout_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/rollout"
	"github.com/trueup-dev/trueup/internal/golden"
)

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func strategy(steps ...v1alpha1.ApplicationSetRolloutStep) *v1alpha1.ApplicationSetStrategy {
	return &v1alpha1.ApplicationSetStrategy{Type: "RollingSync", RollingSync: &v1alpha1.ApplicationSetRolloutStrategy{Steps: steps}}
}

func step(env string, maxUpdate *intstr.IntOrString) v1alpha1.ApplicationSetRolloutStep {
	return v1alpha1.ApplicationSetRolloutStep{
		MatchExpressions: []v1alpha1.ApplicationMatchExpression{{Key: "env", Operator: "In", Values: []string{env}}}, MaxUpdate: maxUpdate,
	}
}

func sights() []rollout.Sight {
	return []rollout.Sight{rollout.Stale, rollout.Unknown, rollout.Requested, rollout.Running, rollout.Done, rollout.Unhealthy, rollout.Differs}
}

func states() []rollout.State {
	return []rollout.State{"", rollout.Waiting, rollout.Pending, rollout.Progressing, rollout.Healthy}
}

// TestTable is the whole machine: every state, every sight, the same target
// and another one, before and after the wait is over, in an open step.
func TestTable(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, target := range []string{"same", "other"} {
		for _, was := range states() {
			if was == "" && target == "same" {
				continue // nothing is known of it
			}
			for _, sight := range sights() {
				if sight != rollout.Differs {
					fmt.Fprintf(&b, "%-12s %-10s %-6s -> %s\n", was, sight, target, one(was, sight, target, time.Second, rollout.Operation{}, false))
					continue
				}
				if target == "same" {
					differs(&b, was, target)
					continue
				}
				// A new target starts over, whatever was before.
				fmt.Fprintf(&b, "%-12s %-10s %-6s -> %s\n", was, sight, target, one(was, sight, target, time.Second, rollout.Operation{Failed: true}, false))
			}
		}
	}
	golden.File(t, "testdata/table.txt", b.String())
}

func differs(b *strings.Builder, was rollout.State, target string) {
	before := rollout.Operation{Started: noon().Add(-time.Hour), Finished: noon().Add(-time.Hour)}
	began := rollout.Operation{Started: noon().Add(time.Second), Finished: noon().Add(2 * time.Second)}
	failed := began
	failed.Failed, failed.Message = true, "no such kind"
	for _, last := range []struct {
		name string
		op   rollout.Operation
	}{{"no sync", before}, {"sync ended", began}, {"sync failed", failed}} {
		for _, after := range []time.Duration{3 * time.Second, time.Hour} {
			for _, heal := range []bool{false, true} {
				note := fmt.Sprintf("%s, after %s", last.name, after)
				if heal {
					note += ", heals itself"
				}
				fmt.Fprintf(b, "%-12s %-10s %-6s (%s) -> %s\n", was, rollout.Differs, target, note, one(was, rollout.Differs, target, after, last.op, heal))
			}
		}
	}
}

func one(was rollout.State, sight rollout.Sight, target string, after time.Duration, last rollout.Operation, heal bool) string {
	in := rollout.Input{Strategy: strategy(step("dev", nil)), Now: noon().Add(after)}
	if was != "" {
		in.Previous = []v1alpha1.ApplicationSetApplicationStatus{{
			Application: "a", Status: string(was), Step: "1", TargetDigest: "same", Attempts: 1, LastTransitionTime: new(metav1.NewTime(noon())),
		}}
	}
	in.Applications = []rollout.Application{{
		Name: "a", Labels: map[string]string{"env": "dev"}, Sight: sight, Health: "Degraded", Digest: target, Last: last, SelfHeal: heal,
	}}
	out := rollout.Next(in)
	text := out.Applications[0].Status
	if len(out.Sync) > 0 {
		text += fmt.Sprintf(", sync %d", out.Applications[0].Attempts)
	}
	if out.After > 0 {
		text += fmt.Sprintf(", look again after %s", out.After)
	}
	return text + ": " + out.Applications[0].Message
}

// TestSteps is about several applications: who is admitted, who waits.
func TestSteps(t *testing.T) {
	t.Parallel()
	number, percent := intstr.FromInt32, intstr.FromString
	apps := func(env string, n int, sight rollout.Sight) []rollout.Application {
		var out []rollout.Application
		for i := range n {
			out = append(out, rollout.Application{Name: fmt.Sprintf("%s-%d", env, i), Labels: map[string]string{"env": env}, Sight: sight, Digest: "d"})
		}
		return out
	}
	join := func(groups ...[]rollout.Application) []rollout.Application {
		var out []rollout.Application
		for _, g := range groups {
			out = append(out, g...)
		}
		return out
	}
	for name, tc := range map[string]struct {
		strategy *v1alpha1.ApplicationSetStrategy
		apps     []rollout.Application
		want     string
	}{
		"without a limit a step goes at once, and later ones wait": {
			strategy(step("dev", nil), step("prod", nil)), join(apps("dev", 2, rollout.Differs), apps("prod", 1, rollout.Differs)), "dev-0 dev-1",
		},
		"the next step begins when all of the earlier are healthy": {
			strategy(step("dev", nil), step("prod", nil)), join(apps("dev", 2, rollout.Done), apps("prod", 1, rollout.Differs)), "prod-0",
		},
		"an unhealthy application holds the next step": {
			strategy(step("dev", nil), step("prod", nil)), join(apps("dev", 1, rollout.Unhealthy), apps("prod", 1, rollout.Differs)), "",
		},
		"so does one whose latest state is not known": {
			strategy(step("dev", nil), step("prod", nil)), join(apps("dev", 1, rollout.Stale), apps("prod", 1, rollout.Differs)), "",
		},
		"a step without applications holds nobody": {
			strategy(step("dev", nil), step("prod", nil)), apps("prod", 1, rollout.Differs), "prod-0",
		},
		"a number limits a step": {
			strategy(step("dev", new(number(2)))), apps("dev", 5, rollout.Differs), "dev-0 dev-1",
		},
		"what runs takes a place": {
			strategy(step("dev", new(number(2))), step("prod", nil)), join(apps("dev", 1, rollout.Running), apps("x", 0, rollout.Done), []rollout.Application{
				{Name: "dev-8", Labels: map[string]string{"env": "dev"}, Sight: rollout.Differs, Digest: "d"},
				{Name: "dev-9", Labels: map[string]string{"env": "dev"}, Sight: rollout.Differs, Digest: "d"},
			}), "dev-8",
		},
		"a percentage is rounded down": {
			strategy(step("dev", new(percent("50%")))), apps("dev", 5, rollout.Differs), "dev-0 dev-1",
		},
		"but not to nothing": {
			strategy(step("dev", new(percent("10%")))), apps("dev", 5, rollout.Differs), "dev-0",
		},
		"0 percent leaves the step to people": {
			strategy(step("dev", new(percent("0%")))), apps("dev", 5, rollout.Differs), "",
		},
		"0 leaves the step to people": {
			strategy(step("dev", new(number(0)))), apps("dev", 5, rollout.Differs), "",
		},
		"applications in no step are not synced, and hold nobody": {
			strategy(step("dev", nil)), join(apps("other", 2, rollout.Differs), apps("dev", 1, rollout.Differs)), "dev-0",
		},
		"a step without expressions takes what is left": {
			strategy(step("dev", nil), v1alpha1.ApplicationSetRolloutStep{}), join(apps("other", 1, rollout.Differs), apps("dev", 1, rollout.Done)), "other-0",
		},
		"NotIn matches applications that lack the label": {
			strategy(v1alpha1.ApplicationSetRolloutStep{MatchExpressions: []v1alpha1.ApplicationMatchExpression{{Key: "tier", Operator: "NotIn", Values: []string{"db"}}}}),
			apps("dev", 1, rollout.Differs), "dev-0",
		},
		"all expressions must match": {
			strategy(v1alpha1.ApplicationSetRolloutStep{MatchExpressions: []v1alpha1.ApplicationMatchExpression{
				{Key: "env", Operator: "In", Values: []string{"dev"}}, {Key: "env", Operator: "NotIn", Values: []string{"dev"}},
			}}),
			apps("dev", 1, rollout.Differs), "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := rollout.Next(rollout.Input{Strategy: tc.strategy, Applications: tc.apps, Now: noon()})
			if diff := cmp.Diff(tc.want, strings.Join(out.Sync, " ")); diff != "" {
				t.Errorf("(-want +got):\n%s\n%+v", diff, out)
			}
		})
	}
}

func TestDeletionOrder(t *testing.T) {
	t.Parallel()
	got := rollout.DeletionOrder(strategy(step("dev", nil), step("stage", nil), step("prod", nil)), map[string]map[string]string{
		"a": {"env": "prod"}, "b": {"env": "dev"}, "c": nil, "d": {"env": "prod"},
	})
	if diff := cmp.Diff([][]string{{"c"}, {"a", "d"}, {"b"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	bad := strategy(
		v1alpha1.ApplicationSetRolloutStep{
			MatchExpressions: []v1alpha1.ApplicationMatchExpression{{Key: "env", Operator: "Exists"}, {Operator: "In"}}, MaxUpdate: new(intstr.FromString("many")),
		},
		v1alpha1.ApplicationSetRolloutStep{MaxUpdate: new(intstr.FromInt32(-1))}, v1alpha1.ApplicationSetRolloutStep{MaxUpdate: new(intstr.FromString("101%"))},
	)
	bad.Type, bad.DeletionOrder = "Rolling", "Backwards"
	want := `spec.strategy.type: "Rolling" is neither AllAtOnce nor RollingSync
spec.strategy.deletionOrder: "Backwards" is neither AllAtOnce nor Reverse
spec.strategy.rollingSync.steps[0].matchExpressions[0].operator: "Exists" is neither In nor NotIn
spec.strategy.rollingSync.steps[0].matchExpressions[1].key: it is empty
spec.strategy.rollingSync.steps[0].maxUpdate: "many" is neither a number nor a percentage
spec.strategy.rollingSync.steps[1].maxUpdate: "-1" is neither a number nor a percentage
spec.strategy.rollingSync.steps[2].maxUpdate: "101%" is neither a number nor a percentage`
	if diff := cmp.Diff(want, fmt.Sprint(rollout.Check(bad))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, good := range []*v1alpha1.ApplicationSetStrategy{nil, {}, {Type: "AllAtOnce"}, strategy(step("dev", new(intstr.FromString("100%"))))} {
		if err := rollout.Check(good); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
}
