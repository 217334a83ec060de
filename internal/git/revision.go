package git

import (
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// wanted is a revision as somebody asks for it.
type wanted struct{ revision, tagPrefix string }

var (
	fullSHA  = regexp.MustCompile(`^[0-9a-f]{40}$`)
	shortSHA = regexp.MustCompile(`^[0-9a-f]{7,39}$`)
	// ranged matches what can only be a range of versions, or a version
	// with less than three parts.
	ranged = regexp.MustCompile(`[*^~<>=|, ]|^v?\d+(\.[0-9xX]+)?$|[xX]$|^v?\d+\.\d+\.[xX*]`)
)

func (w wanted) head() bool { return w.revision == "" || w.revision == "HEAD" }

// constraint is the range of versions that w is, if it is one. It may be
// written with the prefix of its tags or without.
func (w wanted) constraint() *semver.Constraints {
	text := strings.TrimPrefix(w.revision, w.tagPrefix)
	if !ranged.MatchString(text) {
		return nil
	}
	c, err := semver.NewConstraint(text)
	if err != nil {
		return nil
	}
	return c
}

// prefixed is the tag that a version stands for beside a prefix; empty where w
// is anything else, such as a branch.
func (w wanted) prefixed() string {
	if _, err := semver.StrictNewVersion(strings.TrimPrefix(w.revision, "v")); err != nil || w.tagPrefix == "" {
		return ""
	}
	return w.tagPrefix + w.revision
}

// names are the refs that a name can stand for, the first one that is there.
func (w wanted) names() []string {
	var names []string
	if tag := w.prefixed(); tag != "" {
		names = append(names, "refs/tags/"+tag)
	}
	names = append(names, "refs/heads/"+w.revision, "refs/tags/"+w.revision)
	if strings.HasPrefix(w.revision, "refs/") {
		names = append(names, w.revision)
	}
	return append(names, "refs/"+w.revision)
}

// interest is the refs that some revisions are about.
type interest struct {
	head    bool
	exact   map[string]bool
	folders []string // all that begin with one of these
}

func interestIn(all []wanted) interest {
	in := interest{exact: map[string]bool{}}
	for _, w := range all {
		switch {
		case w.head():
			in.head = true
			continue
		case fullSHA.MatchString(w.revision):
			continue
		case w.constraint() != nil:
			in.folders = append(in.folders, "refs/tags/"+w.tagPrefix)
		case shortSHA.MatchString(w.revision):
			in.folders = append(in.folders, "refs/heads/", "refs/tags/")
		}
		for _, name := range w.names() {
			in.exact[name] = true
		}
	}
	slices.Sort(in.folders)
	in.folders = slices.Compact(in.folders)
	return in
}

func (in interest) includes(name string) bool {
	return in.exact[name] || slices.ContainsFunc(in.folders, func(f string) bool { return strings.HasPrefix(name, f) })
}

// maxPrefixes is the number of prefixes in a query; where there would be more
// it asks for all branches and tags.
const maxPrefixes = 1500

// prefixes are what to ask a server for. HEAD always is among them, because
// without any prefix it would list all refs, and because a repository without
// one is likely empty.
func (in interest) prefixes() []string {
	all := []string{"HEAD"}
	many := len(in.exact)+len(in.folders) > maxPrefixes
	if many {
		all = append(all, "refs/heads/", "refs/tags/")
	}
	add := func(name string) {
		if !many || !strings.HasPrefix(name, "refs/heads/") && !strings.HasPrefix(name, "refs/tags/") {
			all = append(all, name)
		}
	}
	for name := range in.exact {
		add(name)
	}
	for _, folder := range in.folders {
		add(folder)
	}
	if len(all) > 2*maxPrefixes {
		return []string{"HEAD", "refs/"}
	}
	slices.Sort(all)
	return all
}
