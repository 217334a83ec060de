package policy

import (
	"bytes"
	"context"
	"path"
	"slices"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/policy/admission"
	"github.com/trueup-dev/trueup/internal/policy/rego"
	"github.com/trueup-dev/trueup/preview/policy"
	"github.com/trueup-dev/trueup/preview/risk"
)

// Maker compiles policies, with the severities of their kinds of rules; nil
// are the built-in ones.
func Maker(risks *risk.Set) func(context.Context, policy.Sources) (*policy.Set, []string) {
	if risks == nil {
		risks = risk.Default()
	}
	return func(ctx context.Context, in policy.Sources) (*policy.Set, []string) {
		var engines []policy.Engine
		texts, problems := rego.New(ctx, in.Files, rego.Bounds{})
		if !texts.Empty() {
			engines = append(engines, texts)
		}
		everywhere := given(in.Extra)
		for _, f := range in.Files {
			if path.Ext(f.Name) == ".rego" {
				continue
			}
			objects, err := drift.Parse(bytes.NewReader(f.Data), f.Name)
			if err != nil {
				problems = append(problems, policy.Problem(f.Name, err))
				continue
			}
			for _, u := range objects {
				everywhere = append(everywhere, admission.Given{Object: u.Object, Origin: f.Name, Loose: true})
			}
		}
		byCluster := perCluster{all: map[string]policy.Engine{}}
		var failed []string
		byCluster.rest, failed = admission.New(everywhere)
		problems = append(problems, failed...)
		for cluster, declared := range in.Declared {
			if byCluster.all[cluster], failed = admission.New(slices.Concat(everywhere, given(declared))); len(failed) > 0 {
				problems = append(problems, failed...)
			}
		}
		engines = append(engines, byCluster)
		slices.Sort(problems)
		problems = slices.Compact(problems)
		return policy.NewSet(risks, engines...), problems
	}
}

func given(in []policy.Declared) []admission.Given {
	out := make([]admission.Given, 0, len(in))
	for _, d := range in {
		out = append(out, admission.Given{Object: d.Object, Origin: d.Origin})
	}
	return out
}

// perCluster judges by what is declared for the cluster that an object goes to.
type perCluster struct {
	all  map[string]policy.Engine
	rest policy.Engine // where nothing is
}

// Judge implements policy.Engine.
func (p perCluster) Judge(ctx context.Context, s policy.Subject) ([]policy.Violation, []error) {
	if e, ok := p.all[s.Cluster]; ok {
		return e.Judge(ctx, s)
	}
	return p.rest.Judge(ctx, s)
}
