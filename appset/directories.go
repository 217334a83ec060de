package appset

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/text"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// maxFolders bounds the folders of a repository that are looked at.
const maxFolders = 100_000

// directories gives one parameter set per folder that a pattern matches and
// none excludes.
func (g *generation) directories(ctx context.Context, gen *v1alpha1.GitGenerator) ([]params, error) {
	if g.world.Repositories == nil {
		return nil, fault.New(fault.Invalid, "git: no repositories are given")
	}
	if len(gen.Directories) == 0 {
		return nil, fault.New(fault.Invalid, "git: directories or files must be given")
	}
	for i, d := range gen.Directories {
		if _, err := path.Match(d.Path, ""); err != nil {
			return nil, fault.New(fault.Invalid, "git.directories[%d]: the pattern %q is malformed", i, d.Path)
		}
	}
	tree, err := g.world.Repositories.Tree(ctx, snapshot.Location{RepoURL: gen.RepoURL, Revision: gen.Revision})
	if err != nil {
		return nil, fmt.Errorf("git: %w", err)
	}
	var out []params
	folders := 0
	err = fs.WalkDir(tree.FS, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case !entry.IsDir() || name == ".":
			return nil
		case strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		}
		if folders++; folders > maxFolders {
			return fault.New(fault.Invalid, "the repository has more than %d folders", maxFolders)
		}
		if !picked(gen.Directories, name) {
			return nil
		}
		p := g.pathParams(name, gen.PathParamPrefix)
		if err := g.addValues(p, gen.Values); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, p)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("git: list the folders of %s: %w", gen.RepoURL, err)
	}
	return out, nil
}

// picked: an exclude wins over every include, in whatever order they are.
func picked(patterns []v1alpha1.GitDirectoryItem, name string) bool {
	included := false
	for _, p := range patterns {
		ok, err := path.Match(p.Path, name)
		if err != nil || !ok {
			continue
		}
		if p.Exclude {
			return false
		}
		included = true
	}
	return included
}

func (g *generation) pathParams(name, prefix string) params {
	base := path.Base(name)
	segments := strings.Split(name, "/")
	if g.text.Go() {
		list := make([]any, len(segments))
		for i, s := range segments {
			list[i] = s
		}
		p := params{"path": map[string]any{
			"path": name, "basename": base, "basenameNormalized": text.Normalize(base), "segments": list,
		}}
		if prefix != "" {
			return params{prefix: p}
		}
		return p
	}
	if prefix != "" {
		prefix += "."
	}
	p := params{prefix + "path": name, prefix + "path.basename": base, prefix + "path.basenameNormalized": text.Normalize(base)}
	for i, s := range segments {
		p[fmt.Sprintf("%spath[%d]", prefix, i)] = s
	}
	return p
}

func (g *generation) git(ctx context.Context, gen *v1alpha1.GitGenerator) ([]params, error) {
	return g.directories(ctx, gen)
}
