package ignore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/itchyny/gojq"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
)

// Bounds of one jq expression over one application.
const (
	maxQuery = time.Second
	maxPaths = 1000
)

// Rules are a set's ignoreApplicationDifferences, ready for use.
type Rules []rule

type rule struct {
	name     string
	pointers [][]any
	queries  []query
}

type query struct {
	at   string // in the set, for errors
	code *gojq.Code
}

// Compile reads the rules of a set and reports all that are wrong, as
// fault.Invalid.
func Compile(rules []v1alpha1.ApplicationSetIgnoreDifferences) (Rules, error) {
	var out Rules
	var failures []error
	for i, r := range rules {
		one := rule{name: r.Name}
		for j, p := range r.JSONPointers {
			path, err := pointer(p)
			if err != nil {
				failures = append(failures, fmt.Errorf("spec.ignoreApplicationDifferences[%d].jsonPointers[%d]: %w", i, j, err))
				continue
			}
			one.pointers = append(one.pointers, path)
		}
		for j, text := range r.JQPathExpressions {
			at := fmt.Sprintf("spec.ignoreApplicationDifferences[%d].jqPathExpressions[%d]", i, j)
			code, err := pathsOf(text)
			if err != nil {
				failures = append(failures, fault.New(fault.Invalid, "%s: %q: %w", at, text, err))
				continue
			}
			one.queries = append(one.queries, query{at: at, code: code})
		}
		out = append(out, one)
	}
	return out, errors.Join(failures...)
}

// pathsOf compiles an expression so that it gives paths. It has to be one by
// itself, too: text that only closes a bracket of ours is none.
func pathsOf(text string) (*gojq.Code, error) {
	if _, err := gojq.Parse(text); err != nil {
		return nil, err
	}
	parsed, err := gojq.Parse("path(" + text + "\n)")
	if err != nil {
		return nil, err
	}
	return gojq.Compile(parsed)
}

// pointer splits a JSON pointer. What may be an index stays text: the document
// decides.
func pointer(text string) ([]any, error) {
	if !strings.HasPrefix(text, "/") {
		return nil, fault.New(fault.Invalid, "%q is no JSON pointer: it must begin with a slash", text)
	}
	var out []any
	for part := range strings.SplitSeq(text[1:], "/") {
		out = append(out, strings.NewReplacer("~1", "/", "~0", "~").Replace(part))
	}
	return out, nil
}

// Carry gives the fields of next that the rules name the values that they
// have in old. Labels, annotations, finalizers and the spec can be named. It
// fails where an expression names no paths or does not end.
func (rules Rules) Carry(ctx context.Context, old, next *v1alpha1.Application) error {
	var mine Rules
	for _, r := range rules {
		if r.name == "" || r.name == old.Name {
			mine = append(mine, r)
		}
	}
	if len(mine) == 0 {
		return nil
	}
	live, want, err := documents(old, next)
	if err != nil {
		return err
	}
	liveMarks, wantMarks := &mark{}, &mark{}
	for _, side := range []struct {
		doc   map[string]any
		marks *mark
	}{{live, liveMarks}, {want, wantMarks}} {
		for _, r := range mine {
			for _, p := range r.pointers {
				side.marks.add(side.doc, p)
			}
			for _, q := range r.queries {
				paths, err := q.run(ctx, side.doc)
				if err != nil {
					return err
				}
				for _, p := range paths {
					side.marks.add(side.doc, p)
				}
			}
		}
	}
	merged, _ := carry(live, want, liveMarks, wantMarks).(map[string]any)
	return take(merged, next)
}

// run finds the paths that a query names. Where the document has no such
// place there are none.
func (q query) run(ctx context.Context, doc any) ([][]any, error) {
	ctx, cancel := context.WithTimeout(ctx, maxQuery)
	defer cancel()
	var out [][]any
	for it := q.code.RunWithContext(ctx, doc); ; {
		v, ok := it.Next()
		if !ok {
			return out, nil
		}
		if err, failed := v.(error); failed {
			if ctx.Err() != nil {
				return nil, fault.New(fault.Invalid, "%s: it does not end within %s", q.at, maxQuery)
			}
			if halt := new(gojq.HaltError); errors.As(err, &halt) || strings.Contains(err.Error(), "invalid path") {
				return nil, fault.New(fault.Invalid, "%s: it names no path: %w", q.at, err)
			}
			return out, nil // the document has another shape
		}
		path, _ := v.([]any)
		if out = append(out, path); len(out) > maxPaths {
			return nil, fault.New(fault.Invalid, "%s: it names more than %d paths", q.at, maxPaths)
		}
	}
}

// document is the part of an application that a set decides on.
type document struct {
	Metadata struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace,omitempty"`
		Labels      map[string]string `json:"labels,omitempty"`
		Annotations map[string]string `json:"annotations,omitempty"`
		Finalizers  []string          `json:"finalizers,omitempty"`
	} `json:"metadata"`
	Spec v1alpha1.ApplicationSpec `json:"spec"`
}

func documents(old, next *v1alpha1.Application) (live, want map[string]any, err error) {
	for _, side := range []struct {
		app  *v1alpha1.Application
		into *map[string]any
	}{{old, &live}, {next, &want}} {
		var d document
		d.Metadata.Name, d.Metadata.Namespace = side.app.Name, side.app.Namespace
		d.Metadata.Labels, d.Metadata.Annotations, d.Metadata.Finalizers = side.app.Labels, side.app.Annotations, side.app.Finalizers
		d.Spec = side.app.Spec
		data, err := json.Marshal(d)
		if err != nil {
			return nil, nil, fmt.Errorf("encode application %s: %w", old.Name, err)
		}
		if err := json.Unmarshal(data, side.into); err != nil {
			return nil, nil, fmt.Errorf("decode application %s: %w", old.Name, err)
		}
	}
	return live, want, nil
}

// take reads a document back into an application.
func take(from map[string]any, into *v1alpha1.Application) error {
	var d document
	data, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(data, &d)
	}
	if err != nil {
		return fault.New(fault.Invalid, "with spec.ignoreApplicationDifferences it is no application any more: %w", err)
	}
	meta := metav1.ObjectMeta{Labels: d.Metadata.Labels, Annotations: d.Metadata.Annotations, Finalizers: d.Metadata.Finalizers}
	into.Labels, into.Annotations, into.Finalizers, into.Spec = meta.Labels, meta.Annotations, meta.Finalizers, d.Spec
	return nil
}
