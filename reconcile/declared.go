package reconcile

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/origin"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/reconcile/declared"
)

// Declarations tells where Git declares values, and who touched that last, as
// far as it is known by now.
type Declarations interface {
	// Known answers questions of one application, with nil where there is no
	// answer yet: it is looked for, and the application looked at again when
	// it is found. Known never waits.
	Known(app types.NamespacedName, all []declared.Question) []*drift.Declaration
}

// describe notes where rendered objects come from.
func (d *Desired) describe(req render.Request, i int, result render.Result, all opened) {
	if d.from == nil {
		d.from = map[*unstructured.Unstructured]declared.Source{}
	}
	files := origin.NewFiles(req.Tree.FS)
	for _, u := range result.Objects {
		if at, ok := result.Origins[object.KeyOf(u)]; ok {
			d.from[u] = declared.Source{Type: result.Type, At: all.locations[i], Tree: req.Tree, Files: files, Dir: req.Path(), Origin: at, More: req.More}
		}
	}
}

// question is about a value; false where nothing is known of where the object comes
// from.
func (d *Desired) question(key object.Key, path string) (declared.Question, bool) {
	i := slices.IndexFunc(d.Objects, func(u *unstructured.Unstructured) bool { return object.KeyOf(u) == key })
	if i < 0 {
		return declared.Question{}, false
	}
	from, ok := d.from[d.Objects[i]]
	return declared.Question{Source: from, Object: d.Objects[i], Path: path}, ok
}

// declare adds to changes of a status who declared what Git says, as far as
// that is known. What an earlier look knew stays until there is an answer, as
// long as Git describes the same.
func (s *session) declare(status *v1alpha1.ApplicationStatus) {
	if s.flow.Declarations == nil || status.Drift == nil {
		return
	}
	var all []declared.Question
	var of []int
	for i, c := range status.Drift.Changes {
		if c.Class != string(drift.Declared) {
			continue
		}
		if q, ok := s.view.Desired.question(changeKey(c), c.Path); ok {
			all, of = append(all, q), append(of, i)
		}
	}
	if len(all) == 0 {
		return
	}
	before := map[place]*v1alpha1.DriftDeclaration{}
	if old := s.app.Status; old.Drift != nil && old.Sync.Digest == status.Sync.Digest {
		for _, c := range old.Drift.Changes {
			before[place{changeKey(c), c.Path}] = c.DeclaredBy
		}
	}
	for n, d := range s.flow.Declarations.Known(types.NamespacedName{Namespace: s.app.Namespace, Name: s.app.Name}, all) {
		c := &status.Drift.Changes[of[n]]
		if c.DeclaredBy = declarationOf(d); d == nil {
			c.DeclaredBy = before[place{changeKey(*c), c.Path}]
		}
	}
}

func declarationOf(d *drift.Declaration) *v1alpha1.DriftDeclaration {
	if d == nil {
		return nil
	}
	out := &v1alpha1.DriftDeclaration{
		Repository: d.Repository, File: d.File, Line: d.Line, Precision: d.Precision,
		Commit: d.Commit, Author: d.Author, Subject: d.Subject, Older: d.Older,
	}
	if d.Time != nil {
		at := metav1.NewTime(d.Time.UTC())
		out.Time = &at
	}
	return out
}

// declare adds to a comparison where Git declares what differs. With History
// it finds out as well who touched that last, which may take long. What it
// cannot find out is told in the report.
func (f *Flow) declare(ctx context.Context, d *Desired, report *drift.Report) {
	ask := func(key object.Key, path string) *drift.Declaration {
		q, ok := d.question(key, path)
		if !ok || ctx.Err() != nil {
			return nil
		}
		answer, err := q.Answer(ctx, f.History)
		if err != nil {
			report.Unblamed = append(report.Unblamed, q.Why(err).Error())
		}
		return answer
	}
	for i := range report.Objects {
		o := &report.Objects[i]
		if o.State == drift.Missing && f.History != nil { // the origin tells as much without
			o.Declared = ask(o.Key(), "")
		}
		if o.Fields == nil {
			continue
		}
		o.Fields = slices.Clone(o.Fields)
		for n := range o.Fields {
			if f := &o.Fields[n]; f.Class == drift.Declared {
				f.Declared = ask(o.Key(), f.Path)
			}
		}
	}
}
