package appset

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path"
	"strings"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/appset/pick"
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
		return nil, at("repoURL", fault.New(fault.Invalid, "a repository must be given"))
	}
	from := snapshot.Location{RepoURL: gen.RepoURL, Revision: gen.Revision}
	tree, err := g.tree(ctx, from)
	if err != nil {
		return nil, err
	}
	if len(gen.Directories) > 0 {
		if len(gen.Files) > 0 {
			g.warn(g.running.path+".files", "they have no effect beside directories")
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
			g.warn(join(g.running.path, place("directories", i)), "the pattern %q is malformed and matches nothing", d.Path)
		}
	}
	names, err := pick.Folders(ctx, tree, patterns)
	if err != nil {
		return nil, fmt.Errorf("list the folders of %s: %w", gen.RepoURL, err)
	}
	out := make([]params, 0, len(names))
	var all problems
	for _, name := range names {
		p := g.pathParams(name, gen.PathParamPrefix, nil)
		all.about("folder "+name, g.addValues(p, gen.Values))
		out = append(out, p)
		g.notes = append(g.notes, "folder "+name)
	}
	return out, all.err()
}

// pathParams names the parts of a folder's path, and those of extra.
func (g *generation) pathParams(name, prefix string, extra map[string]string) params {
	base := path.Base(name)
	segments := strings.Split(name, "/")
	if g.text.Go() {
		parts := params{"path": name, "basename": base, "basenameNormalized": text.Normalize(base), "segments": segments}
		for key, value := range extra {
			parts[key] = value
		}
		if prefix != "" {
			return params{prefix: params{"path": parts}}
		}
		return params{"path": parts}
	}
	key := "path"
	if prefix != "" {
		key = prefix + ".path"
	}
	p := params{key: name, key + ".basename": base, key + ".basenameNormalized": text.Normalize(base)}
	for i, s := range segments {
		if s != "" {
			p[fmt.Sprintf("%s[%d]", key, i)] = s
		}
	}
	for name, value := range extra {
		p[key+"."+name] = value
	}
	return p
}

func (g *generation) files(ctx context.Context, gen *v1alpha1.GitGenerator, tree snapshot.FS) ([]params, error) {
	var all problems
	patterns := make([]pick.Pattern, len(gen.Files))
	for i, f := range gen.Files {
		patterns[i] = pick.Pattern{Path: f.Path, Exclude: f.Exclude}
		_, err := pick.ParsePathspec(f.Path)
		all.add(place("files", i)+".path", subject(fmt.Sprintf("the pattern %q", f.Path), err))
	}
	if err := all.err(); err != nil {
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
		}
		all.about(fmt.Sprintf("unable to process file '%s' from repository '%s'", name, gen.RepoURL), err)
	}
	return out, all.err()
}

// fileParams gives the parameter sets of one file: one for an object or an
// empty file, one for each object of a list.
func (g *generation) fileParams(name string, data []byte, gen *v1alpha1.GitGenerator) ([]params, error) {
	value, more, err := g.yaml().YAML(data)
	if err != nil {
		return nil, fmt.Errorf("unable to parse file: %w", err)
	}
	if more {
		g.warn(g.running.path, "%s holds more than one document: only the first is read", name)
	}
	var objects []params
	switch v := value.(type) {
	case nil:
		objects = []params{nil}
	case params:
		objects = []params{v}
	case []any:
		for i, item := range v {
			object, ok := item.(params)
			if !ok && item != nil {
				return nil, fault.New(fault.Invalid, "unable to parse file: item %d is %s, and must be an object", i, kindName(item))
			}
			objects = append(objects, object)
		}
	default:
		return nil, fault.New(fault.Invalid, "unable to parse file: line %d: it holds %s, and must hold an object or a list of objects",
			contentLine(data), kindName(value))
	}
	folder, file := path.Dir(name), path.Base(name)
	extra := map[string]string{"filename": file, "filenameNormalized": text.Normalize(file)}
	var out []params
	for _, object := range objects {
		p := params{}
		if g.text.Go() {
			maps.Copy(p, object)
		} else {
			for key, value := range param.Flat(object) {
				p[key] = value
			}
		}
		maps.Copy(p, g.pathParams(folder, gen.PathParamPrefix, extra))
		if err := g.addValues(p, gen.Values); err != nil {
			return nil, err
		}
		out = append(out, p)
		g.notes = append(g.notes, "file "+name)
	}
	return out, nil
}

func kindName(value any) string {
	switch value.(type) {
	case string:
		return "a text"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	}
	return "a number"
}

// contentLine is the first line that is neither empty nor a comment.
func contentLine(data []byte) int {
	for i, line := range bytes.Split(data, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && !bytes.Equal(line, []byte("---")) {
			return i + 1
		}
	}
	return 1
}
