package adopt

import (
	"context"
	"path"

	"github.com/trueup-dev/trueup/adopt/edit"
	"github.com/trueup-dev/trueup/adopt/overlay"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/render"
)

// plain changes the file that declares an object.
func (p *planner) plain(t *target, wants []*want) []*attempt {
	return []*attempt{{how: t.origin.Path, make: func() (overlay.Files, error) {
		return p.inPlace(t, t.own, wants)
	}}}
}

// inPlace changes an object, which may have another name there, where it
// begins.
func (p *planner) inPlace(t *target, key object.Key, wants []*want) (overlay.Files, error) {
	data, err := p.declaring(t)
	if err != nil {
		return nil, err
	}
	changes := make([]edit.Change, len(wants))
	for i, w := range wants {
		changes[i] = w.Change
	}
	after, err := edit.Apply(data, edit.Target{Key: key, Line: t.origin.Line}, changes...)
	if err != nil {
		return nil, err
	}
	return p.files.With(treeOf(p.in.Sources[t.source]), t.origin.Path, after), nil
}

// declaring reads the file that declares an object, if that can be changed.
func (p *planner) declaring(t *target) ([]byte, error) {
	switch {
	case t.origin.Path == "":
		return nil, fault.New(fault.Invalid, "it is not known which file declares the object")
	case t.origin.Tree != nil:
		return nil, fault.New(fault.Invalid, "it is declared in another repository, %s", t.origin.Tree.RepoURL)
	}
	switch path.Ext(t.origin.Path) {
	case ".jsonnet", ".libsonnet":
		return nil, fault.New(fault.Invalid, "the object is made by Jsonnet, which is a program: change %s by hand", t.origin.Path)
	}
	return p.read(t.source, t.origin.Path)
}

// drop takes an object out of Git.
func (p *planner) drop(ctx context.Context, t *target) error {
	var all []*attempt
	switch t.kind {
	case render.Directory:
		all = append(all, p.removal(t, t.own))
	case render.Kustomize:
		all = p.kustomizeDrop(t)
	case render.Helm:
		p.refused = append(p.refused, Refused{Key: t.key, Reason: "a chart makes the object: turn it off by its values, if they allow that"})
		return nil
	}
	done, err := p.attempts(ctx, t, nil, all)
	switch {
	case err != nil:
		return err
	case done:
		p.adopted = append(p.adopted, Adopted{Key: t.key, How: all[0].how})
	default:
		p.refused = append(p.refused, Refused{Key: t.key, Reason: p.reasons(all)})
	}
	return nil
}

// removal takes the document out of the file that declares it.
func (p *planner) removal(t *target, key object.Key) *attempt {
	return &attempt{how: t.origin.Path, make: func() (overlay.Files, error) {
		data, err := p.declaring(t)
		if err != nil {
			return nil, err
		}
		after, err := edit.RemoveObject(data, edit.Target{Key: key, Line: t.origin.Line})
		if err != nil {
			return nil, err
		}
		return p.files.With(treeOf(p.in.Sources[t.source]), t.origin.Path, after), nil
	}}
}
