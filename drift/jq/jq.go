package jq

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/itchyny/gojq"
)

const (
	// MaxPaths bounds what one expression finds in one object.
	MaxPaths = 10000
	// timeLimit bounds one expression over one object.
	timeLimit = 500 * time.Millisecond
	// allTime bounds all expressions over one Input.
	allTime = time.Second
	// maxLate switches an expression off that used its time up this often: it
	// would hold up everything else with every object.
	maxLate = 3
)

var errLate = fmt.Errorf("used up its %v; it is not tried again after %d times", timeLimit, maxLate)

var errSpent = fmt.Errorf("was not tried: the expressions of all rules used up their %v", allTime)

// ErrTooMany says that an expression found more than MaxPaths.
var ErrTooMany = fmt.Errorf("finds more than %d places", MaxPaths)

// Input is an object as expressions take it. It is converted once, when the
// first expression asks.
type Input struct {
	Object    map[string]any
	converted any
	spent     time.Duration
}

// Expression is a path expression: what del(EXPRESSION) would delete. It may
// be used by several goroutines.
type Expression struct {
	code *gojq.Code
	late atomic.Int32
}

// Parse checks an expression.
func Parse(text string) (e *Expression, err error) {
	defer func() {
		if recover() != nil {
			e, err = nil, errors.New("is no jq expression")
		}
	}()
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("is no jq expression: %w", err)
	}
	if err := check(query); err != nil {
		return nil, err
	}
	path := &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: "path", Args: []*gojq.Query{query}}}}
	code, err := gojq.Compile(path)
	if err != nil {
		return nil, fmt.Errorf("is no jq expression: %w", err)
	}
	return &Expression{code: code}, nil
}

// Paths lists the places of an object that an expression names and that are
// there: keys are strings, places in lists ints. Errors hold no values of the
// object.
func (e *Expression) Paths(in *Input) (found [][]any, err error) {
	defer func() {
		// The interpreter is not ours, and the expression is anybody's.
		if recover() != nil {
			found, err = nil, errors.New("cannot be run")
		}
	}()
	if e.late.Load() >= maxLate {
		return nil, errLate
	}
	if in.spent > allTime {
		return nil, errSpent
	}
	begun := time.Now()
	defer func() { in.spent += time.Since(begun) }()
	if in.converted == nil {
		in.converted = convert(in.Object)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeLimit)
	defer cancel()
	var out [][]any
	steps := 0
	for iter := e.code.RunWithContext(ctx, in.converted); ; {
		v, more := iter.Next()
		if !more {
			return out, nil
		}
		if err, failed := v.(error); failed {
			if errors.Is(err, context.DeadlineExceeded) {
				e.late.Add(1)
				return nil, errLate
			}
			// What an expression does to an object of another shape is no
			// fault: jq's own message may hold values.
			return nil, errors.New("does not apply to the object")
		}
		path, ok := v.([]any)
		if !ok {
			return nil, errors.New("gives no paths")
		}
		if steps++; steps > MaxPaths {
			return nil, ErrTooMany
		}
		if len(path) == 0 {
			continue // the object as a whole is no place in it
		}
		out = append(out, places(in.converted, path)...)
		if len(out) > MaxPaths {
			return nil, ErrTooMany
		}
	}
}

// place is a path with what stands there.
type place struct {
	path  []any
	value any
}

func (p place) child(step, value any) place {
	return place{append(p.path[:len(p.path):len(p.path)], step), value}
}

// places turns jq's path into places that are there. Slices stand for their
// items, negative places count from the end.
func places(root any, path []any) [][]any {
	all := []place{{value: root}}
	for _, step := range path {
		var next []place
		for _, p := range all {
			v := p.value
			switch step := step.(type) {
			case string:
				if m, ok := v.(map[string]any); ok {
					if child, there := m[step]; there {
						next = append(next, p.child(step, child))
					}
				}
			case int:
				if list, ok := v.([]any); ok {
					if step < 0 {
						step += len(list)
					}
					if step >= 0 && step < len(list) {
						next = append(next, p.child(step, list[step]))
					}
				}
			case map[string]any:
				if list, ok := v.([]any); ok {
					for i := bound(step["start"], len(list), 0); i < bound(step["end"], len(list), len(list)); i++ {
						next = append(next, p.child(i, list[i]))
					}
				}
			}
		}
		all = next
	}
	out := make([][]any, len(all))
	for i, p := range all {
		out[i] = p.path
	}
	return out
}

// bound is one end of a slice inside a list.
func bound(v any, length, otherwise int) int {
	n, ok := v.(int)
	if !ok {
		return otherwise
	}
	if n < 0 {
		n += length
	}
	return min(max(n, 0), length)
}

// convert copies a value with the types that jq knows.
func convert(v any) any {
	switch v := v.(type) {
	case nil, bool, string, int, float64:
		return v
	case int64:
		return int(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			out[name] = convert(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = convert(item)
		}
		return out
	}
	return fmt.Sprint(v)
}
