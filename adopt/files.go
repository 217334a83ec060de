package adopt

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"slices"

	"github.com/trueup-dev/trueup/adopt/overlay"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

func treeOf(req render.Request) overlay.Tree {
	return overlay.Tree{RepoURL: req.Source.RepoURL, Revision: req.Source.TargetRevision}
}

// over is a request that sees the changed files, of its own tree and of those
// that it refers to.
func (p *planner) over(i int, files overlay.Files) render.Request {
	req := p.in.Sources[i]
	req.Tree.FS = files.Over(treeOf(req), req.Tree.FS)
	if len(req.Refs) > 0 {
		refs := make(map[string]snapshot.Tree, len(req.Refs))
		for name, t := range req.Refs {
			if j := p.ref(name); j >= 0 {
				t.FS = files.Over(treeOf(p.in.Sources[j]), t.FS)
			}
			refs[name] = t
		}
		req.Refs = refs
	}
	return req
}

// ref is the source that has a ref; -1 is none.
func (p *planner) ref(name string) int {
	return slices.IndexFunc(p.in.Sources, func(r render.Request) bool { return r.Source.Ref == name })
}

// read reads a file of a source's tree, with what was changed so far.
func (p *planner) read(i int, name string) ([]byte, error) {
	data, err := p.over(i, p.files).Tree.FS.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if render.Sealed(data) {
		return nil, fault.New(fault.Denied, "%s is encrypted by SOPS: what is live is not written there", name)
	}
	return data, nil
}

// edits are all changes of files.
func (p *planner) edits() []Edit {
	var out []Edit
	for i, req := range p.in.Sources {
		at := treeOf(req)
		if slices.ContainsFunc(p.in.Sources[:i], func(r render.Request) bool { return treeOf(r) == at }) {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(p.files[at])) {
			before, err := req.Tree.FS.ReadFile(name)
			if err != nil {
				before = nil
			}
			if after := p.files[at][name]; !bytes.Equal(before, after) || (before == nil) != (after == nil) {
				out = append(out, Edit{Source: i, RepoURL: at.RepoURL, Revision: at.Revision, Path: name, Before: before, After: after})
			}
		}
	}
	return out
}

func notThere(err error) bool { return errors.Is(err, fs.ErrNotExist) }
