package admission

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types/ref"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/cel/environment"

	"github.com/trueup-dev/trueup/preview/policy"
)

// Given is an object that is declared: a policy, a binding, a namespace, a
// definition, or what parameters are in.
type Given struct {
	Object map[string]any
	// Origin is where it is described.
	Origin string
	// Loose has a policy that no binding names deny; else it does nothing, as in
	// a cluster.
	Loose bool
}

// SeverityAnnotation of a policy or a binding says how grave its violations
// are: critical, warning or notice.
const SeverityAnnotation = "trueup.dev/severity"

// Group is that of policies and bindings.
const Group = "admissionregistration.k8s.io"

// Engine implements policy.Engine. It may be used by several goroutines.
type Engine struct {
	env      *cel.Env
	policies []compiled
	world    world
}

// compiled is a policy with its bindings.
type compiled struct {
	spec       admissionv1.ValidatingAdmissionPolicySpec
	name       string
	origin     string
	severity   string
	bindings   []binding
	conditions []condition
	variables  []named
	validating []validation
}

type binding struct {
	spec     admissionv1.ValidatingAdmissionPolicyBindingSpec
	name     string
	severity string
}

type named struct {
	name    string
	program cel.Program
}

type condition = named

type validation struct {
	program, message cel.Program
	text, expression string
}

// New compiles what is given. Policies that cannot be used are the problems.
func New(given []Given) (*Engine, []string) {
	var problems []string
	e := &Engine{world: newWorld(given)}
	env, err := newEnv()
	if err != nil {
		return e, []string{policy.Problem("of Kubernetes", err)}
	}
	e.env = env
	bindings := map[string][]binding{}
	for _, g := range given {
		if !is(g.Object, "ValidatingAdmissionPolicyBinding") {
			continue
		}
		var b admissionv1.ValidatingAdmissionPolicyBinding
		if err := convert(g.Object, &b); err != nil {
			problems = append(problems, policy.Problem(place(g), err))
			continue
		}
		bindings[b.Spec.PolicyName] = append(bindings[b.Spec.PolicyName], binding{b.Spec, b.Name, b.Annotations[SeverityAnnotation]})
	}
	for _, g := range given {
		if !is(g.Object, "ValidatingAdmissionPolicy") {
			continue
		}
		var p admissionv1.ValidatingAdmissionPolicy
		if err := convert(g.Object, &p); err != nil {
			problems = append(problems, policy.Problem(place(g), err))
			continue
		}
		bound := bindings[p.Name]
		if len(bound) == 0 && g.Loose {
			bound = []binding{{spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny}}}}
		}
		if len(bound) == 0 {
			continue
		}
		c, err := e.compile(p, g)
		if err != nil {
			problems = append(problems, policy.Problem(place(g), err))
			continue
		}
		c.bindings = bound
		e.policies = append(e.policies, c)
	}
	return e, problems
}

// Empty tells that there is no policy.
func (e *Engine) Empty() bool { return len(e.policies) == 0 }

func is(object map[string]any, kind string) bool {
	apiVersion, _ := object["apiVersion"].(string)
	return object["kind"] == kind && strings.HasPrefix(apiVersion, Group+"/")
}

func convert(object map[string]any, into any) error {
	return runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object, into, true)
}

func place(g Given) string {
	metadata, _ := g.Object["metadata"].(map[string]any)
	text := fmt.Sprintf("%v %v", g.Object["kind"], metadata["name"])
	if g.Origin != "" {
		text += " (" + g.Origin + ")"
	}
	return text
}

// newEnv is the language as servers have it, with the variables of admission.
func newEnv() (*cel.Env, error) {
	const major, minor = 1, 37
	set, err := environment.MustBaseEnvSet(version.MajorMinor(major, minor)).Extend(environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0),
		EnvOptions: []cel.EnvOption{
			cel.Variable("object", cel.DynType), cel.Variable("oldObject", cel.DynType), cel.Variable("params", cel.DynType),
			cel.Variable("request", cel.DynType), cel.Variable("namespaceObject", cel.DynType), cel.Variable("variables", cel.MapType(cel.StringType, cel.DynType)),
		},
	}, environment.StrictCostOpt)
	if err != nil {
		return nil, fmt.Errorf("prepare expressions: %w", err)
	}
	return set.StoredExpressionsEnv(), nil
}

// program compiles an expression; field tells where it is.
func (e *Engine) program(field, text string, want ...*cel.Type) (cel.Program, error) {
	ast, issues := e.env.Compile(text)
	if all := issues.Errors(); len(all) > 0 {
		if strings.Contains(all[0].Message, "'authorizer'") {
			return nil, fmt.Errorf("%s asks the authorizer, which only a server has", field)
		}
		return nil, fmt.Errorf("%s: line %d, character %d: %s", field, all[0].Location.Line(), all[0].Location.Column()+1, all[0].Message)
	}
	fits := len(want) == 0
	for _, t := range want {
		fits = fits || ast.OutputType().IsExactType(t) || ast.OutputType().IsExactType(cel.DynType)
	}
	if !fits {
		return nil, fmt.Errorf("%s gives %s, where %s is needed", field, ast.OutputType(), want[0])
	}
	const often = 100
	p, err := e.env.Program(ast, cel.InterruptCheckFrequency(often))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	return p, nil
}

// compile prepares a policy, and tells all that is wrong with it.
func (e *Engine) compile(p admissionv1.ValidatingAdmissionPolicy, g Given) (compiled, error) {
	c := compiled{spec: p.Spec, name: p.Name, origin: g.Origin, severity: p.Annotations[SeverityAnnotation]}
	var failures []error
	prepare := func(field, text string, want ...*cel.Type) cel.Program {
		out, err := e.program(field, text, want...)
		failures = append(failures, err)
		return out
	}
	for i, m := range p.Spec.MatchConditions {
		c.conditions = append(c.conditions, condition{m.Name, prepare(fmt.Sprintf("spec.matchConditions[%d]", i), m.Expression, cel.BoolType)})
	}
	for i, v := range p.Spec.Variables {
		c.variables = append(c.variables, named{v.Name, prepare(fmt.Sprintf("spec.variables[%d]", i), v.Expression)})
	}
	for i, v := range p.Spec.Validations {
		field := fmt.Sprintf("spec.validations[%d]", i)
		made := validation{program: prepare(field, v.Expression, cel.BoolType), text: v.Message, expression: v.Expression}
		if v.MessageExpression != "" {
			made.message = prepare(field+".messageExpression", v.MessageExpression, cel.StringType)
		}
		c.validating = append(c.validating, made)
	}
	for _, s := range []*metav1.LabelSelector{selectorsOf(p.Spec.MatchConstraints).NamespaceSelector, selectorsOf(p.Spec.MatchConstraints).ObjectSelector} {
		if _, err := metav1.LabelSelectorAsSelector(s); err != nil {
			failures = append(failures, fmt.Errorf("spec.matchConstraints: %w", err))
		}
	}
	return c, errors.Join(failures...)
}

func selectorsOf(m *admissionv1.MatchResources) admissionv1.MatchResources {
	if m == nil {
		return admissionv1.MatchResources{}
	}
	return *m
}

// selects holds labels against a selector; none selects all.
func selects(s *metav1.LabelSelector, have map[string]string) bool {
	if s == nil {
		return true
	}
	selector, err := metav1.LabelSelectorAsSelector(s)
	return err == nil && selector.Matches(labels.Set(have))
}

// value is what an expression gave, as Go has it.
func value(v ref.Val) any {
	if v == nil {
		return nil
	}
	return v.Value()
}
