package ignore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/cel-go/cel"
)

const (
	// conditionCost bounds one evaluation, in CEL's own measure: thousands of
	// simple comparisons.
	conditionCost = 100_000
	conditionTime = 100 * time.Millisecond
)

// Difference is what conditions and managers are held against.
type Difference struct {
	Path          string
	Desired, Live any
	// Managers are all that own the live value; Manager and Operation are
	// those of the one that is told.
	Managers           []string
	Manager, Operation string
}

// conditions compiles expressions.
type conditions struct {
	env *cel.Env
	err error
}

func newConditions() *conditions {
	env, err := cel.NewEnv(
		cel.Variable("desired", cel.DynType), cel.Variable("live", cel.DynType), cel.Variable("object", cel.DynType),
		cel.Variable("path", cel.StringType), cel.Variable("manager", cel.StringType), cel.Variable("operation", cel.StringType),
		cel.CrossTypeNumericComparisons(true), cel.ParserExpressionSizeLimit(maxText), cel.ParserRecursionLimit(maxSteps),
	)
	return &conditions{env, err}
}

// condition is a CEL expression that gives a boolean.
type condition struct{ program cel.Program }

func (c *conditions) compile(text string) (*condition, error) {
	if c.err != nil {
		return nil, fmt.Errorf("prepare conditions: %w", c.err)
	}
	if len(text) > maxText {
		return nil, fmt.Errorf("is longer than %d characters", maxText)
	}
	parsed, issues := c.env.Compile(text)
	if all := issues.Errors(); len(all) > 0 {
		return nil, fmt.Errorf("is no condition: %s, at character %d", all[0].Message, all[0].Location.Column()+1)
	}
	if t := parsed.OutputType(); t != cel.BoolType && t != cel.DynType {
		return nil, fmt.Errorf("gives %s, where true or false is needed", t)
	}
	program, err := c.env.Program(parsed, cel.CostLimit(conditionCost), cel.InterruptCheckFrequency(100))
	if err != nil {
		return nil, fmt.Errorf("is no condition: %w", err)
	}
	return &condition{program}, nil
}

// holds reports whether the condition is met. What it cannot be asked about
// does not meet it. Messages of a failure hold no values of the object.
func (c *condition) holds(d *Difference, object map[string]any) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), conditionTime)
	defer cancel()
	out, _, err := c.program.ContextEval(ctx, map[string]any{
		"desired": d.Desired, "live": d.Live, "object": object, "path": d.Path, "manager": d.Manager, "operation": d.Operation,
	})
	switch {
	case ctx.Err() != nil:
		return false, fmt.Errorf("its condition used up its %v", conditionTime)
	case err != nil:
		return false, errors.New("its condition cannot be asked about " + d.Path)
	}
	met, ok := out.Value().(bool)
	if !ok {
		return false, errors.New("its condition gives neither true nor false for " + d.Path)
	}
	return met, nil
}
