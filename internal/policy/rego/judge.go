package rego

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/metrics"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/preview/policy"
)

// Bounds of what policies may cost. What is 0 takes the default.
type Bounds struct {
	// Time is what one rule may take for one object; 0 is a second.
	Time time.Duration
	// Memory is by how many bytes the program may grow meanwhile; 0 is 256 MiB.
	Memory uint64
}

func (b Bounds) orDefault() Bounds {
	if b.Time == 0 {
		b.Time = time.Second
	}
	if b.Memory == 0 {
		b.Memory = 256 << 20
	}
	return b
}

// Judge implements policy.Engine.
func (e *Engine) Judge(ctx context.Context, s policy.Subject) ([]policy.Violation, []error) {
	var out []policy.Violation
	var failures []error
	if e.Empty() {
		return nil, nil
	}
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return nil, []error{ctx.Err()}
	}
	object, change := inputs(s)
	for i := range e.rules {
		r := &e.rules[i]
		input := object
		if r.change {
			input = change
		}
		if input == nil {
			continue
		}
		messages, err := e.ask(ctx, r, input)
		if err != nil {
			failures = append(failures, fmt.Errorf("the policy %s (%s) cannot be evaluated: %w", r.name, r.origin, err))
			continue
		}
		for _, message := range messages {
			out = append(out, policy.Violation{Policy: r.name, Level: r.level, Message: message, Origin: r.origin, Change: r.change})
		}
	}
	return out, failures
}

// inputs are the object, nil where it goes away, and the change, nil where
// nothing happens.
func inputs(s policy.Subject) (object, change ast.Value) {
	value := func(v any) ast.Value {
		out, err := ast.InterfaceToValue(v)
		if err != nil {
			return nil // manifests are JSON
		}
		return out
	}
	if s.After != nil {
		object = value(s.After)
	}
	if s.Action == "update" && len(s.Paths) == 0 {
		return object, nil
	}
	paths := make([]any, len(s.Paths))
	for i, p := range s.Paths {
		paths[i] = p
	}
	whole := map[string]any{"action": s.Action, "application": s.Application, "namespace": s.Namespace, "cluster": s.Cluster, "paths": paths, "before": nil, "after": nil}
	if s.Before != nil {
		whole["before"] = s.Before
	}
	if s.After != nil {
		whole["after"] = s.After
	}
	return object, value(whole)
}

// ask evaluates one rule within the bounds.
func (e *Engine) ask(ctx context.Context, r *rule, input ast.Value) ([]string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, e.bounds.Time, fault.New(fault.Invalid, "it takes longer than %s", e.bounds.Time))
	defer cancel()
	ctx, stop := watch(ctx, e.bounds.Memory)
	defer stop()
	set, err := r.query.Eval(ctx, rego.EvalParsedInput(input))
	if err == nil && r.except != nil && r.suffix != "" && len(set) > 0 {
		var exempt rego.ResultSet
		if exempt, err = r.except.Eval(ctx, rego.EvalParsedInput(input)); err == nil && excepted(exempt, r.suffix) {
			return nil, nil
		}
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var detail *ast.Error
		if errors.As(err, &detail) && detail.Location != nil {
			return nil, fmt.Errorf("line %d: %s", detail.Location.Row, detail.Message)
		}
		return nil, err
	}
	var out []string
	for _, result := range set {
		for _, expression := range result.Expressions {
			more, err := messages(expression.Value)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
	}
	return out, nil
}

// messages reads what a rule gives: a set of texts or of objects with msg, or
// one of these.
func messages(v any) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case bool:
		if v {
			return []string{"is not met"}, nil
		}
		return nil, nil
	case string:
		return []string{v}, nil
	case []any:
		var out []string
		for _, item := range v {
			more, err := messages(item)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
		return out, nil
	case map[string]any:
		if text, ok := v["msg"].(string); ok {
			return []string{text}, nil
		}
		if len(v) == 0 {
			return nil, nil
		}
	}
	text, err := json.Marshal(v)
	if err != nil {
		text = fmt.Append(nil, v)
	}
	const most = 200
	return nil, fmt.Errorf("it gives %.*s, where texts or objects with msg are needed", most, text)
}

// excepted tells whether an exception names a rule: exception gives lists of
// names without their beginning.
func excepted(set rego.ResultSet, suffix string) bool {
	for _, result := range set {
		for _, expression := range result.Expressions {
			if names(expression.Value, suffix) {
				return true
			}
		}
	}
	return false
}

func names(v any, suffix string) bool {
	switch v := v.(type) {
	case string:
		return v == suffix
	case []any:
		for _, item := range v {
			if names(item, suffix) {
				return true
			}
		}
	}
	return false
}

// watch ends a context when the program grows too much: what the collector
// found in use, over the least that it found meanwhile. Garbage of others does
// not count.
func watch(ctx context.Context, most uint64) (context.Context, func()) {
	const every = 5 * time.Millisecond
	ctx, cancel := context.WithCancelCause(ctx)
	least, done := inUse(), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				now := inUse()
				if least = min(least, now); now-least > most {
					cancel(fault.New(fault.Invalid, "it takes more than %d MiB of memory", most>>20))
					return
				}
			}
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-done
	}
}

func inUse() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
