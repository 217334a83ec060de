package adopt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/adopt/overlay"
	"github.com/trueup-dev/trueup/adopt/value"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/render"
)

// Renderer turns a source into objects.
type Renderer interface {
	Render(ctx context.Context, req render.Request) (render.Result, error)
}

// Input is what there is to adopt, and where it comes from.
type Input struct {
	// Sources are those of the application, in its order.
	Sources  []render.Request
	Renderer Renderer
	Wanted   []Wanted
	// Schemas tell what of a live value is a default; nil knows none.
	Schemas drift.Schemas
}

// Wanted is an object with the differences that Git shall take over.
type Wanted struct {
	Object drift.Object
	// Fields are those of the object's; none, where Gone is set.
	Fields []drift.Field
	// Gone says that the object was deleted, and Git shall drop it.
	Gone bool
}

// Edit is what becomes of one file.
type Edit struct {
	// Source is the index of the source whose tree holds the file, RepoURL and
	// Revision are where that is from.
	Source            int
	RepoURL, Revision string
	Path              string
	// Before and After are its content; nil is that it is not there.
	Before, After []byte
}

// Adopted is a difference that the edits take over.
type Adopted struct {
	Key   object.Key
	Field drift.Field // zero for an object that is gone
	// How tells the place of the change, such as "shop/web.yaml" or
	// "replicaCount in values.yaml".
	How string
}

// Refused is a difference that cannot be taken over.
type Refused struct {
	Key    object.Key
	Path   string // empty for the object as a whole
	Reason string
}

// Plan is what to change.
type Plan struct {
	Edits   []Edit
	Adopted []Adopted
	Refused []Refused
}

// Make finds the edits. An error is about rendering what is in Git: what cannot
// be adopted is told in the plan.
func Make(ctx context.Context, in Input) (Plan, error) {
	p := &planner{in: in, files: overlay.Files{}, budget: maxRenders}
	if err := p.look(ctx); err != nil {
		return Plan{}, err
	}
	for _, w := range in.Wanted {
		p.want(w)
	}
	for _, t := range p.targets {
		if err := p.target(ctx, t); err != nil {
			return Plan{}, err
		}
	}
	plan := Plan{Adopted: p.adopted, Refused: p.refused, Edits: p.edits()}
	return plan, nil
}

// maxRenders bounds the times that sources are rendered for one plan.
const maxRenders = 400

// planner is a plan in the making.
type planner struct {
	in      Input
	files   overlay.Files // what was decided so far
	results []render.Result
	// expected are the objects that the sources give with files.
	expected []map[object.Key]map[string]any
	targets  []*target
	adopted  []Adopted
	refused  []Refused
	budget   int
}

// target is an object with the changes that it shall see.
type target struct {
	key    object.Key // as reports have it
	source int
	own    object.Key // as it is rendered: without a namespace maybe
	origin render.Origin
	kind   render.Type
	gone   bool
	wants  []*want
}

// want is one change, made of one or more fields.
type want struct {
	value.Change
	fields []drift.Field
	done   bool
}

// look renders all sources as they are.
func (p *planner) look(ctx context.Context) error {
	p.results = make([]render.Result, len(p.in.Sources))
	p.expected = make([]map[object.Key]map[string]any, len(p.in.Sources))
	var failures []error
	for i, req := range p.in.Sources {
		if onlyRef(req) {
			continue
		}
		var err error
		p.results[i], err = p.in.Renderer.Render(ctx, req)
		failures = append(failures, err)
		p.expected[i] = normal(p.results[i].Objects)
	}
	return errors.Join(failures...)
}

// onlyRef reports a source that is there for others to read from.
func onlyRef(req render.Request) bool {
	s := req.Source
	return s.Ref != "" && s.Path == "" && s.Chart == ""
}

func normal(objects []*unstructured.Unstructured) map[object.Key]map[string]any {
	out := make(map[object.Key]map[string]any, len(objects))
	for _, u := range objects {
		m, _ := value.Normal(u.Object).(map[string]any)
		out[object.KeyOf(u)] = m
	}
	return out
}

// want sorts out what can never be adopted, and finds where the rest is from.
func (p *planner) want(w Wanted) {
	key := w.Object.Key()
	refuse := func(reason string) {
		if len(w.Fields) == 0 {
			p.refused = append(p.refused, Refused{Key: key, Reason: reason})
		}
		for _, f := range w.Fields {
			p.refused = append(p.refused, Refused{key, f.Path, reason})
		}
	}
	switch {
	case key.IsSecret() && !w.Gone:
		refuse("it is a Secret: its live values are not written to Git")
		return
	case w.Object.State == drift.Extra || w.Object.State == drift.Orphaned:
		refuse("Git does not describe the object: there is no file to write it to")
		return
	}
	t := &target{key: key, source: -1, gone: w.Gone}
	for i, objects := range p.expected {
		for own := range objects {
			if own.Group == key.Group && own.Kind == key.Kind && own.Name == key.Name && (own.Namespace == key.Namespace || own.Namespace == "") {
				t.source, t.own = i, own // of several sources, the last one counts
			}
		}
	}
	if t.source < 0 {
		refuse("no source describes the object")
		return
	}
	t.origin, t.kind = p.results[t.source].Origins[t.own], p.results[t.source].Type
	if !w.Gone {
		var problems []Refused
		t.wants, problems = p.changes(t, w.Fields)
		p.refused = append(p.refused, problems...)
	}
	p.targets = append(p.targets, t)
}

// target adopts the changes of one object: all at once where that can be, and
// one by one otherwise.
func (p *planner) target(ctx context.Context, t *target) error {
	if t.gone {
		return p.drop(ctx, t)
	}
	if t.kind == render.Directory && len(t.wants) > 1 {
		if done, err := p.attempts(ctx, t, t.wants, p.plain(t, t.wants)); err != nil || done {
			return err
		}
	}
	for _, w := range t.wants {
		if w.done {
			continue
		}
		attempts, err := p.ways(ctx, t, w)
		if err == nil {
			var done bool
			if done, err = p.attempts(ctx, t, []*want{w}, attempts); done {
				continue
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		reason := "no way to write it was found"
		if err != nil {
			reason = err.Error()
		} else if reasons := p.reasons(attempts); reasons != "" {
			reason = reasons
		}
		for _, f := range w.fields {
			p.refused = append(p.refused, Refused{t.key, f.Path, reason})
		}
	}
	return nil
}

// ways lists what may be tried for one change, the best first.
func (p *planner) ways(ctx context.Context, t *target, w *want) ([]*attempt, error) {
	switch t.kind {
	case render.Directory:
		return p.plain(t, []*want{w}), nil
	case render.Kustomize:
		return p.kustomize(t, w)
	case render.Helm:
		return p.helm(ctx, t, w)
	}
	return nil, fault.New(fault.Invalid, "sources of type %s are not changed", t.kind)
}

// attempt is one way to make changes.
type attempt struct {
	how string
	// make gives the files after the change.
	make func() (overlay.Files, error)
	err  error // why it did not do
}

// attempts tries one after the other, and keeps the first that proves right.
func (p *planner) attempts(ctx context.Context, t *target, wants []*want, all []*attempt) (bool, error) {
	for _, a := range all {
		next, err := a.make()
		if err != nil {
			a.err = err
			continue
		}
		ok, reason, err := p.prove(ctx, t, wants, next)
		if err != nil {
			return false, err
		}
		if !ok {
			a.err = errors.New(reason)
			continue
		}
		p.accept(next, a.how)
		return true, nil
	}
	return false, nil
}

// accept keeps files, and notes what they adopted.
func (p *planner) accept(next overlay.Files, how string) {
	p.files = next
	for _, t := range p.targets {
		for _, w := range t.wants {
			if !w.done {
				continue
			}
			for _, f := range w.fields {
				if !slices.ContainsFunc(p.adopted, func(a Adopted) bool { return a.Key == t.key && a.Field.Path == f.Path }) {
					p.adopted = append(p.adopted, Adopted{t.key, f, how})
				}
			}
		}
	}
}

// reasons says why nothing did, each reason once.
func (p *planner) reasons(attempts []*attempt) string {
	var out []string
	for _, a := range attempts {
		if a.err == nil {
			continue
		}
		text := fmt.Sprintf("%s: %v", a.how, a.err)
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return strings.Join(out, "; ")
}
