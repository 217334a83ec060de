package admission

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	admissionv1 "k8s.io/api/admissionregistration/v1"

	"github.com/trueup-dev/trueup/preview/policy"
)

// patience is what one policy may take for one object; the language's own cost
// limits mostly come first.
const patience = time.Second

// Judge implements policy.Engine.
func (e *Engine) Judge(ctx context.Context, s policy.Subject) ([]policy.Violation, []error) {
	if e.Empty() {
		return nil, nil
	}
	a := e.world.asked(s)
	var out []policy.Violation
	var failures []error
	for i := range e.policies {
		p := &e.policies[i]
		found, err := e.policy(ctx, p, a)
		out = append(out, found...)
		if err != nil {
			failures = append(failures, fmt.Errorf("the policy %s cannot be evaluated: %w", p.place(), err))
		}
	}
	return out, failures
}

func (p *compiled) place() string {
	if p.origin == "" {
		return p.name
	}
	return p.name + " (" + p.origin + ")"
}

// policy asks one, by each of its bindings.
func (e *Engine) policy(ctx context.Context, p *compiled, a asked) ([]policy.Violation, error) {
	matched, err := a.matches(p.spec.MatchConstraints)
	if err != nil || !matched {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("it takes longer than %s", patience))
	defer cancel()
	var out []policy.Violation
	var failures []error
	said := map[string]bool{}
	for _, b := range p.bindings {
		matched, err := a.matches(b.spec.MatchResources)
		if err != nil || !matched {
			failures = append(failures, err)
			continue
		}
		params := e.world.params(p.spec.ParamKind, b.spec.ParamRef, a.namespace)
		if len(params) == 0 && (b.spec.ParamRef.ParameterNotFoundAction == nil || *b.spec.ParamRef.ParameterNotFoundAction == admissionv1.DenyAction) {
			failures = append(failures, fmt.Errorf("the parameters that the binding %s names are not declared", b.name))
		}
		for _, param := range params {
			messages, err := e.validate(ctx, p, a, param)
			if err != nil && (p.spec.FailurePolicy == nil || *p.spec.FailurePolicy == admissionv1.Fail) {
				failures = append(failures, err)
			}
			for _, message := range messages {
				if !said[message] {
					said[message] = true
					out = append(out, policy.Violation{Policy: p.name, Level: level(p, b), Message: message, Origin: p.origin, Change: a.operation == "DELETE"})
				}
			}
		}
	}
	return out, errors.Join(failures...)
}

// level is what the binding does, unless an annotation says how grave it is.
func level(p *compiled, b binding) policy.Level {
	if l, ok := policy.LevelOf(cmp.Or(b.severity, p.severity)); ok {
		return l
	}
	out := policy.Note
	for _, action := range b.spec.ValidationActions {
		switch action {
		case admissionv1.Deny:
			return policy.Deny
		case admissionv1.Warn:
			out = policy.Warn
		case admissionv1.Audit:
		}
	}
	return out
}

// validate evaluates a policy for one set of parameters.
func (e *Engine) validate(ctx context.Context, p *compiled, a asked, params map[string]any) ([]string, error) {
	input := a.input(e.world, params)
	for _, c := range p.conditions {
		v, err := eval(ctx, c.program, input)
		if err != nil {
			return nil, fmt.Errorf("the condition %s: %w", c.name, err)
		}
		if v != true {
			return nil, nil
		}
	}
	variables := map[string]any{}
	input["variables"] = variables
	for _, v := range p.variables {
		got, _, err := v.program.ContextEval(ctx, input)
		if err != nil {
			// It counts once somebody uses it.
			variables[v.name] = types.NewErr("the variable %s: %s", v.name, cause(ctx, err))
			continue
		}
		variables[v.name] = got
	}
	var out []string
	var failures []error
	for i, v := range p.validating {
		held, err := eval(ctx, v.program, input)
		switch {
		case err != nil:
			failures = append(failures, fmt.Errorf("spec.validations[%d]: %w", i, err))
		case held != true:
			out = append(out, v.say(ctx, input))
		}
	}
	return out, errors.Join(failures...)
}

// say is the message of a validation that does not hold.
func (v validation) say(ctx context.Context, input map[string]any) string {
	if v.message != nil {
		text, err := eval(ctx, v.message, input)
		if s, ok := text.(string); ok && err == nil && strings.TrimSpace(s) != "" && !strings.Contains(s, "\n") {
			return strings.TrimSpace(s)
		}
	}
	return cmp.Or(v.text, "failed expression: "+strings.Join(strings.Fields(v.expression), " "))
}

func eval(ctx context.Context, p cel.Program, input map[string]any) (any, error) {
	v, _, err := p.ContextEval(ctx, input)
	if err != nil {
		return nil, cause(ctx, err)
	}
	return value(v), nil
}

func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// input is what expressions see.
func (a asked) input(w world, params map[string]any) map[string]any {
	optional := func(m map[string]any) any {
		if m == nil {
			return nil
		}
		return m
	}
	gvk := map[string]any{"group": a.gvk.Group, "version": a.gvk.Version, "kind": a.gvk.Kind}
	gvr := map[string]any{"group": a.gvk.Group, "version": a.gvk.Version, "resource": a.resource}
	return map[string]any{
		"object": optional(a.subject.After), "oldObject": optional(a.subject.Before), "params": optional(params),
		"namespaceObject": optional(w.namespaces[a.namespace]), "variables": map[string]any{},
		"request": map[string]any{
			"kind": gvk, "resource": gvr, "subResource": "", "requestKind": gvk, "requestResource": gvr, "requestSubResource": "",
			"name": a.subject.Key.Name, "namespace": a.namespace, "operation": a.operation, "dryRun": true, "options": map[string]any{},
			"userInfo": map[string]any{"username": "trueup", "uid": "", "groups": []any{}, "extra": map[string]any{}},
		},
	}
}
