package filter

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
)

// Wrong is a mistake in a filter, and its place: filters[2].branchMatch.
type Wrong struct {
	Place string
	Err   error
}

// repository is one filter: all its conditions must hold.
type repository struct {
	name, label, branch *regexp.Regexp
	exist, notExist     []string
}

func (f repository) ofRepositories() bool { return f.name != nil || f.label != nil }
func (f repository) ofBranches() bool {
	return f.branch != nil || len(f.exist) > 0 || len(f.notExist) > 0
}

// Repositories take what any one of them takes, first of the repositories and
// then of the branches, so that little is asked for. A filter with conditions
// of both kinds counts in both turns. A turn that no filter is about takes all.
type Repositories struct{ filters []repository }

// OfRepositories reads filters. Patterns may match anywhere in a text.
func OfRepositories(filters []v1alpha1.SCMProviderGeneratorFilter) (Repositories, []Wrong) {
	var out Repositories
	var wrong []Wrong
	for i, f := range filters {
		compile := func(field string, pattern *string) *regexp.Regexp { return compiled(&wrong, i, field, pattern) }
		refused(&wrong, i, "pathsExist", f.PathsExist)
		refused(&wrong, i, "pathsDoNotExist", f.PathsDoNotExist)
		out.filters = append(out.filters, repository{
			name: compile("repositoryMatch", f.RepositoryMatch), label: compile("labelMatch", f.LabelMatch), branch: compile("branchMatch", f.BranchMatch),
			exist: f.PathsExist, notExist: f.PathsDoNotExist,
		})
	}
	return out, wrong
}

func compiled(wrong *[]Wrong, filter int, field string, pattern *string) *regexp.Regexp {
	if pattern == nil {
		return nil
	}
	r, err := regexp.Compile(*pattern)
	if err != nil {
		*wrong = append(*wrong, Wrong{fmt.Sprintf("filters[%d].%s", filter, field), fault.Wrap(fault.Invalid, err)})
	}
	return r
}

// refused tells of what leads out of a repository.
func refused(wrong *[]Wrong, filter int, field string, paths []string) {
	for i, path := range paths {
		if !fs.ValidPath(plain(path)) {
			*wrong = append(*wrong, Wrong{
				fmt.Sprintf("filters[%d].%s[%d]", filter, field, i), fault.New(fault.Invalid, "%q is not a path in a repository", path),
			})
		}
	}
}

// Take tells whether a repository passes the first turn.
func (f Repositories) Take(name string, labels []string) bool {
	asked := false
	for _, one := range f.filters {
		if !one.ofRepositories() {
			continue
		}
		asked = true
		if (one.name == nil || one.name.MatchString(name)) && (one.label == nil || slices.ContainsFunc(labels, one.label.MatchString)) {
			return true
		}
	}
	return !asked
}

// Has tells whether a branch has a file or folder.
type Has func(ctx context.Context, path string) (bool, error)

// TakeBranch tells whether a branch passes the second turn. Each path is asked
// for once, and only where it decides.
func (f Repositories) TakeBranch(ctx context.Context, name string, has Has) (bool, error) {
	asked := false
	known := paths{ask: has, known: map[string]bool{}}
	for _, one := range f.filters {
		if !one.ofBranches() {
			continue
		}
		asked = true
		if one.branch != nil && !one.branch.MatchString(name) {
			continue
		}
		if fits, err := known.fit(ctx, one); err != nil || fits {
			return fits, err
		}
	}
	return !asked, nil
}

type paths struct {
	ask   Has
	known map[string]bool
}

func (p paths) fit(ctx context.Context, f repository) (bool, error) {
	for _, want := range []bool{true, false} {
		list := f.notExist
		if want {
			list = f.exist
		}
		for _, path := range list {
			has, err := p.has(ctx, plain(path))
			if err != nil || has != want {
				return false, err
			}
		}
	}
	return true, nil
}

func (p paths) has(ctx context.Context, path string) (bool, error) {
	if path == "." {
		return true, nil
	}
	if has, ok := p.known[path]; ok {
		return has, nil
	}
	has, err := p.ask(ctx, path)
	if err == nil {
		p.known[path] = has
	}
	return has, err
}

// plain is a path as fs.FS has it.
func plain(path string) string {
	return cmp.Or(strings.Trim(strings.TrimPrefix(path, "./"), "/"), ".")
}
