package git

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

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

// Commit resolves a revision as git does: an id in full, a branch, a tag or
// another ref, the start of an id, each also with ~2, ^ and the like behind it.
func (c *Copy) Commit(revision string) (string, error) {
	name, way := revision, ""
	if i := wayFrom.FindStringIndex(revision); i != nil {
		name, way = revision[:i[0]], revision[i[0]:]
	}
	if name == "@" {
		name = "HEAD"
	}
	id := abbreviated.MatchString(name)
	full := id && len(name) == len(plumbing.ZeroHash)*2
	switch at, ok := c.ref(name); {
	case ok && !full:
		name = at.String()
	case !id, full && c.repo.Storer.HasEncodedObject(plumbing.NewHash(name)) != nil: // the library would go on to refs
		return "", fault.New(fault.Missing, "the repository has no revision %s", revision)
	default:
		name = strings.ToLower(name)
	}
	h, err := c.repo.ResolveRevision(plumbing.Revision(name + way))
	if err != nil {
		return "", fault.New(fault.Missing, "the repository has no revision %s: %v", revision, err)
	}
	return h.String(), nil
}

var (
	// wayFrom is where the way from a name to another commit begins.
	wayFrom = regexp.MustCompile(`[~^]`)
	// abbreviated matches what git takes for an id or the start of one.
	abbreviated = regexp.MustCompile(`^[0-9a-fA-F]{4,40}$`)
)

// ref is what a name stands for as a ref. The library prefers ids that begin
// with the name.
func (c *Copy) ref(name string) (plumbing.Hash, bool) {
	if plumbing.NewBranchReferenceName(name).Validate() != nil {
		return plumbing.ZeroHash, false
	}
	for _, rule := range plumbing.RefRevParseRules {
		ref, err := storer.ResolveReference(c.repo.Storer, plumbing.ReferenceName(fmt.Sprintf(rule, name)))
		if err != nil || ref.Hash().IsZero() { // of another file in Git's folder
			continue
		}
		at := ref.Hash()
		for {
			tag, err := c.repo.TagObject(at)
			if err != nil {
				return at, true
			}
			at = tag.Target
		}
	}
	return plumbing.ZeroHash, false
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
