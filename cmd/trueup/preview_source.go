package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/api/document"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/merge"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/preview/trial"
)

// change opens both sides and what merging makes of them.
func (o previewOptions) change(ctx context.Context, c previewRepo, repos *repositories) (trial.Change, error) {
	urls, remotes := c.Remotes()
	def := c.DefaultBranch()
	branch := o.base
	if branch == "" {
		branch = def
	}
	baseRef := branch
	for _, remote := range remotes {
		branch = strings.TrimPrefix(branch, remote+"/")
	}
	branch = cmp.Or(o.ci.target, branch)
	out := trial.Change{URLs: slices.Concat(o.urls, urls, []string{strings.TrimSuffix(c.URL(), "/.git")}), Branch: branch, Default: branch == def}
	base, err := c.Commit(baseRef)
	if err != nil && o.base == "" {
		base, err = c.Commit("refs/remotes/origin/" + branch)
	}
	if err != nil {
		return out, err
	}
	if out.Head, err = c.Commit(o.head); err != nil {
		return out, err
	}
	common, err := c.MergeBase(base, out.Head)
	if err != nil {
		return out, err
	}
	var from appset.Repositories = repos.sources.Git
	if own, ok := c.(appset.Repositories); ok {
		from = own
	}
	open := func(commit string) (snapshot.Tree, error) {
		tree, err := from.Tree(ctx, snapshot.Location{RepoURL: c.URL(), Revision: commit})
		if o.untrusted && err == nil && commit != base {
			tree.FS = snapshot.Seal(tree.FS)
		}
		return tree, err
	}
	if out.Base, err = open(base); err != nil {
		return out, err
	}
	if out.Merged, err = open(out.Head); err != nil || common == base {
		return out, err
	}
	if common == out.Head {
		out.Merged = out.Base // it is merged already
		return out, nil
	}
	before, err := open(common)
	if err != nil {
		return out, err
	}
	merged, err := merge.Trees(before.FS, out.Base.FS, out.Merged.FS)
	if err != nil {
		return out, fmt.Errorf("merge %.7s into %.7s: %w", out.Head, base, err)
	}
	out.Conflicts = merged.Conflicts
	commit := out.Merged.Commit
	commit.SHA = "merge of " + commit.Short() + " into " + out.Base.Commit.Short()
	out.Merged = snapshot.Tree{Commit: commit, FS: merged.FS}
	return out, nil
}

// roots are where applications are described. What is in the repository is
// read from its commits.
func (o previewOptions) roots(ctx context.Context, s streams) (trial.Roots, error) {
	if len(o.apps) == 0 {
		return trial.Roots{Paths: []string{"."}}, nil
	}
	if isURL(o.repo) {
		return o.rootsOf(ctx, s)
	}
	top, err := workTree(o.repo)
	if err != nil {
		return trial.Roots{}, err
	}
	out := trial.Roots{Strict: true}
	for _, name := range o.apps {
		if name == ofCluster {
			if err := o.addLive(ctx, &out); err != nil {
				return out, err
			}
			continue
		}
		full := name
		if !filepath.IsAbs(name) {
			full = filepath.Join(o.repo, name)
		}
		full, err := filepath.Abs(full)
		if err != nil {
			return out, err
		}
		if inside, err := filepath.Rel(top, full); err == nil && top != "" && inside != ".." && !strings.HasPrefix(inside, "../") {
			out.Paths = append(out.Paths, filepath.ToSlash(inside))
			continue
		}
		if err := readGiven(name, &out.Given, s); err != nil {
			return out, err
		}
	}
	return out, nil
}

// rootsOf is roots for a repository on a server: what is not on this machine is
// in it.
func (o previewOptions) rootsOf(ctx context.Context, s streams) (trial.Roots, error) {
	out := trial.Roots{Strict: true}
	for _, name := range o.apps {
		if name == ofCluster {
			if err := o.addLive(ctx, &out); err != nil {
				return out, err
			}
			continue
		}
		if _, err := os.Stat(name); err == nil {
			if err := readGiven(name, &out.Given, s); err != nil {
				return out, err
			}
			continue
		}
		out.Paths = append(out.Paths, path.Clean(strings.TrimPrefix(filepath.ToSlash(name), "/")))
	}
	return out, nil
}

// addLive adds the applications of the cluster.
func (o previewOptions) addLive(ctx context.Context, to *trial.Roots) error {
	docs, err := o.clusterApps(ctx)
	to.Given.Append(docs)
	return err
}

// workTree is the top of the work tree that a folder is in; empty for a bare
// repository.
func workTree(folder string) (string, error) {
	at, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(at, ".git")); err == nil {
			return at, nil
		}
		if filepath.Dir(at) == at {
			return "", nil
		}
		at = filepath.Dir(at)
	}
}

// readGiven reads documents of a file, or of all files of a folder.
func readGiven(name string, into *document.Documents, s streams) error {
	info, err := os.Stat(name)
	if err != nil {
		return fmt.Errorf("read applications: %w", err)
	}
	files := []string{name}
	if info.IsDir() {
		files = nil
		for _, pattern := range []string{"*.yaml", "*.yml", "*.json"} {
			more, err := filepath.Glob(filepath.Join(name, pattern))
			if err != nil {
				return err
			}
			files = append(files, more...)
		}
		if len(files) == 0 {
			return fault.New(fault.Invalid, "the folder %s holds no YAML or JSON files", name)
		}
	}
	for _, file := range files {
		docs, err := readDocuments(file, s)
		if err != nil {
			return err
		}
		into.Append(docs)
	}
	return nil
}
