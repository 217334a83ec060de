package appset

import (
	"context"
	"fmt"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/content"
	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/appset/pick"
	"github.com/trueup-dev/trueup/appset/place"
	"github.com/trueup-dev/trueup/appset/text"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// maxContent bounds the bytes that the files of one generator hold.
const maxContent = 64 << 20

// git gives one parameter set per folder, or per object in files, that the
// patterns pick.
func (g *generation) git(ctx context.Context, gen *v1alpha1.GitGenerator) ([]params, error) {
	switch {
	case g.world.Repositories == nil:
		return nil, fault.New(fault.Invalid, "no repositories are given")
	case len(gen.Directories)+len(gen.Files) == 0:
		return nil, fault.New(fault.Invalid, "directories or files must be given")
	case gen.RepoURL == "":
		return nil, place.At("repoURL", fault.New(fault.Invalid, "a repository must be given"))
	}
	from := snapshot.Location{RepoURL: gen.RepoURL, Revision: gen.Revision}
	tree, err := g.tree(ctx, from)
	if err != nil {
		return nil, err
	}
	if len(gen.Directories) > 0 {
		if len(gen.Files) > 0 {
			g.warn(g.running.Path+".files", "they have no effect beside directories")
		}
		return g.directories(ctx, gen, tree)
	}
	return g.files(ctx, gen, tree)
}

// tree opens a repository once.
func (g *generation) tree(ctx context.Context, from snapshot.Location) (snapshot.FS, error) {
	if known, ok := g.trees[from]; ok {
		return known, nil
	}
	tree, err := g.world.Repositories.Tree(ctx, from)
	if err != nil {
		return nil, err
	}
	if g.trees == nil {
		g.trees = map[snapshot.Location]snapshot.FS{}
	}
	g.trees[from] = tree.FS
	return tree.FS, nil
}

func (g *generation) directories(ctx context.Context, gen *v1alpha1.GitGenerator, tree snapshot.FS) ([]params, error) {
	patterns := make([]pick.Pattern, len(gen.Directories))
	for i, d := range gen.Directories {
		patterns[i] = pick.Pattern{Path: d.Path, Exclude: d.Exclude}
		if pick.Malformed(d.Path) {
			g.warn(place.Join(g.running.Path, text.Index("directories", i)), "the pattern %q is malformed and matches nothing", d.Path)
		}
	}
	names, err := pick.Folders(ctx, tree, patterns)
	if err != nil {
		return nil, fmt.Errorf("list the folders of %s: %w", gen.RepoURL, err)
	}
	out := make([]params, 0, len(names))
	var all place.Problems
	for _, name := range names {
		p := content.Folder(g.text.Go(), name, gen.PathParamPrefix)
		all.About("folder "+name, g.addValues(p, gen.Values))
		out = append(out, p)
		g.notes = append(g.notes, "folder "+name)
	}
	return out, all.Err()
}

func (g *generation) files(ctx context.Context, gen *v1alpha1.GitGenerator, tree snapshot.FS) ([]params, error) {
	var all place.Problems
	patterns := make([]pick.Pattern, len(gen.Files))
	for i, f := range gen.Files {
		patterns[i] = pick.Pattern{Path: f.Path, Exclude: f.Exclude}
		_, err := pick.ParsePathspec(f.Path)
		all.Add(text.Index("files", i)+".path", place.Subject(fmt.Sprintf("the pattern %q", f.Path), err))
	}
	if err := all.Err(); err != nil {
		return nil, err
	}
	names, err := pick.Files(ctx, tree, patterns)
	if err != nil {
		return nil, fmt.Errorf("list the files of %s: %w", gen.RepoURL, err)
	}
	var out []params
	size := 0
	for _, name := range names {
		data, err := tree.ReadFile(name)
		if err == nil {
			if size += len(data); size > maxContent {
				return nil, fault.New(fault.Invalid, "the files of %s hold more than %d MiB: narrow the patterns", gen.RepoURL, maxContent>>20)
			}
			var sets []params
			sets, err = g.fileParams(name, data, gen)
			out = append(out, sets...)
			for _, p := range sets {
				if err := g.load.Add(param.Weight(p)); err != nil {
					return nil, err
				}
			}
		}
		all.About(fmt.Sprintf("unable to process file '%s' from repository '%s'", name, gen.RepoURL), err)
	}
	return out, all.Err()
}

// fileParams gives the parameter sets of one file.
func (g *generation) fileParams(name string, data []byte, gen *v1alpha1.GitGenerator) ([]params, error) {
	objects, more, err := content.Objects(param.VersionOf(g.set.Spec.YAMLVersion), data)
	if err != nil {
		return nil, fmt.Errorf("unable to parse file: %w", err)
	}
	if more {
		g.warn(g.running.Path, "%s holds more than one document: only the first is read", name)
	}
	var out []params
	for _, object := range objects {
		p := content.File(g.text.Go(), object, name, gen.PathParamPrefix)
		if err := g.addValues(p, gen.Values); err != nil {
			return nil, err
		}
		out = append(out, p)
		g.notes = append(g.notes, "file "+name)
	}
	return out, nil
}
