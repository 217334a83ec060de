package git

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Copy is a repository on this machine with its history, as somebody works
// with it. It is for one goroutine at a time.
type Copy struct {
	repo *gogit.Repository
	dir  string // where its objects are
}

// OpenCopy opens the repository that a folder is part of.
func OpenCopy(folder string) (*Copy, error) {
	repo, err := gogit.PlainOpenWithOptions(folder, &gogit.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if errors.Is(err, gogit.ErrRepositoryNotExists) {
		return nil, fault.New(fault.Missing, "%s is not in a Git repository", folder)
	}
	if err != nil {
		return nil, fmt.Errorf("open the repository of %s: %w", folder, err)
	}
	dir, err := objectsOf(folder)
	if err != nil {
		return nil, fmt.Errorf("open the repository of %s: %w", folder, err)
	}
	return &Copy{repo, dir}, nil
}

// objectsOf finds the folder with a repository's objects: of a work tree that
// was added, those of the main one.
func objectsOf(folder string) (string, error) {
	at, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(at, "objects")); err == nil {
			if _, err := os.Stat(filepath.Join(at, "HEAD")); err == nil {
				return at, nil
			}
		}
		dir := filepath.Join(at, ".git")
		info, err := os.Stat(dir)
		switch {
		case err == nil && info.IsDir():
			return dir, nil
		case err == nil:
			return linked(at, dir)
		case filepath.Dir(at) == at:
			return "", gogit.ErrRepositoryNotExists
		}
		at = filepath.Dir(at)
	}
}

// linked follows a file .git to the folder that it names.
func linked(at, file string) (string, error) {
	follow := func(base, name, prefix string) (string, error) {
		data, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		to := strings.TrimSpace(strings.TrimPrefix(string(data), prefix))
		if !filepath.IsAbs(to) {
			to = filepath.Join(base, to)
		}
		return filepath.Clean(to), nil
	}
	dir, err := follow(at, file, "gitdir:")
	if err != nil {
		return "", err
	}
	common, err := follow(dir, filepath.Join(dir, "commondir"), "")
	if errors.Is(err, os.ErrNotExist) {
		return dir, nil // of a submodule
	}
	return common, err
}

// URL is how Mirrors open it.
func (c *Copy) URL() string { return "file://" + c.dir }

// Commit resolves a revision as git does: a branch, a tag, an id or the start
// of one, HEAD~2.
func (c *Copy) Commit(revision string) (string, error) {
	h, err := c.repo.ResolveRevision(plumbing.Revision(revision))
	if err != nil {
		return "", fault.New(fault.Missing, "the repository has no revision %s: %v", revision, err)
	}
	return h.String(), nil
}

// MergeBase is the commit that two others have in common, the latest where
// there are several.
func (c *Copy) MergeBase(a, b string) (string, error) {
	x, err := c.repo.CommitObject(plumbing.NewHash(a))
	if err != nil {
		return "", fmt.Errorf("read the commit %s: %w", a, err)
	}
	y, err := c.repo.CommitObject(plumbing.NewHash(b))
	if err != nil {
		return "", fmt.Errorf("read the commit %s: %w", b, err)
	}
	all, err := x.MergeBase(y)
	if err != nil {
		return "", fmt.Errorf("find what %.7s and %.7s have in common: %w", a, b, err)
	}
	if len(all) == 0 {
		return "", fault.New(fault.Invalid, "%.7s and %.7s have no commit in common; a shallow copy may lack it: fetch more of the history", a, b)
	}
	latest := slices.MaxFunc(all, func(p, q *object.Commit) int { return p.Committer.When.Compare(q.Committer.When) })
	return latest.Hash.String(), nil
}

// Remotes are the URLs of the repository's remotes, and their names.
func (c *Copy) Remotes() (urls, names []string) {
	all, err := c.repo.Remotes()
	if err != nil {
		return nil, nil
	}
	for _, r := range all {
		names = append(names, r.Config().Name)
		urls = append(urls, r.Config().URLs...)
	}
	return urls, names
}

// DefaultBranch is the one that the remote origin has as such; without one,
// main or master where there is such a branch, else the one that is checked
// out.
func (c *Copy) DefaultBranch() string {
	if ref, err := c.repo.Reference("refs/remotes/origin/HEAD", false); err == nil {
		return strings.TrimPrefix(ref.Target().String(), "refs/remotes/origin/")
	}
	for _, name := range []string{"main", "master"} {
		for _, prefix := range []string{"refs/heads/", "refs/remotes/origin/"} {
			if _, err := c.repo.Reference(plumbing.ReferenceName(prefix+name), false); err == nil {
				return name
			}
		}
	}
	if ref, err := c.repo.Reference(plumbing.HEAD, false); err == nil {
		return ref.Target().Short()
	}
	return "main"
}
