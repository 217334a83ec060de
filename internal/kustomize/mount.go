package kustomize

import (
	"fmt"
	"strings"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/repourl"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// mountFolder is where further trees, and what is inflated from charts, are
// shown. No tree of Git holds a folder of that name, and kustomizations may
// not name it.
const mountFolder = ".git/"

// maxTrees bounds the trees that one source may reach.
const maxTrees = 32

// mount is a tree and the folder where kustomize sees it.
type mount struct {
	root string // empty is the source's own tree
	at   snapshot.Location
	tree snapshot.Tree
}

// title is what people know the tree by.
func (m mount) title() string {
	title := repourl.Redact(m.at.RepoURL)
	if m.at.Chart != "" {
		title = strings.TrimSuffix(title, "/") + "/" + m.at.Chart
	}
	if m.at.Revision != "" {
		title += "@" + m.at.Revision
	}
	return title
}

// location is the tree's for an Origin: nil is the source's own.
func (m mount) location() *snapshot.Location {
	if m.root == "" {
		return nil
	}
	at := m.at
	return &at
}

// mount opens a tree, each once, and gives the folder that shows it.
func (l *layout) mount(at snapshot.Location) (mount, error) {
	for _, m := range l.files.mounts[1:] {
		if m.at == at {
			return m, nil
		}
	}
	if len(l.files.mounts) > maxTrees {
		return mount{}, fault.New(fault.Invalid, "the kustomization needs more than %d repositories", maxTrees)
	}
	tree, err := l.req.More.Tree(l.files.ctx, at)
	if err != nil {
		return mount{}, fmt.Errorf("open %s: %w", mount{at: at}.title(), err)
	}
	if !at.Pinned() {
		l.req.Warnf("%s is not pinned: what it gives changes whenever that repository does; name a commit or a release", mount{at: at}.title())
	}
	m := mount{root: fmt.Sprintf("%stree-%d", mountFolder, len(l.files.mounts)), at: at, tree: tree}
	l.files.mounts = append(l.files.mounts, m)
	return m, nil
}
