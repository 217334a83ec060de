package risk

import (
	"regexp"
	"strings"
)

// Remote is a place beyond the repository that an application is made from.
type Remote struct {
	// Name is what people call it, without credentials.
	Name     string
	Kind     RemoteKind
	Revision string
}

// RemoteKind is what a place is, which decides what pins it.
type RemoteKind string

// The kinds of places.
const (
	Repository RemoteKind = "repository"
	Chart      RemoteKind = "chart"
	Artifact   RemoteKind = "artifact"
	WebFile    RemoteKind = "file"
)

// Rules that are about applications, and not about objects.
const (
	// UnpinnedRule is about places whose content can change without a commit.
	UnpinnedRule = "source-unpinned"
	// RenameDeletesRule and RenameBlockedRule are about what an application of
	// another name finds of the old one's objects.
	RenameDeletesRule = "rename-deletes"
	RenameBlockedRule = "rename-blocked"
	// TrackedRule is about objects that another application has.
	TrackedRule = "tracked-elsewhere"
)

func applications() []Rule {
	return []Rule{
		{Name: UnpinnedRule, Severity: Warning, About: "An application is made from something that nothing pins: a branch, a range of versions, a file of a web server."},
		{Name: RenameDeletesRule, Severity: Critical, About: "An application gets another name, or somebody else describes it, and its objects are deleted with the old one before they are made anew."},
		{Name: RenameBlockedRule, Severity: Critical, About: "An application gets another name, or somebody else describes it, and the old one or its objects stay, so that the new one is refused."},
		{Name: TrackedRule, Severity: Critical, About: "An object is described by an application while another one has it: the sync is refused as a whole, or the object is deleted by the other one before it is made anew."},
	}
}

var (
	// version is an exact one, with what tags may have before it.
	version = regexp.MustCompile(`^(?:.*[-/@_])?v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$`)
	commit  = regexp.MustCompile(`^[0-9a-f]{7,64}$`)
	exact   = regexp.MustCompile(`^v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$`)
)

// Unpinned says why what is there can change without a commit; empty where it
// cannot.
func (r Remote) Unpinned() string {
	switch r.Kind {
	case WebFile:
		return r.Name + " is a file on a web server, which nothing pins"
	case Chart:
		if exact.MatchString(r.Revision) {
			return ""
		}
		if r.Revision == "" {
			return r.Name + " has no version: the newest is taken"
		}
		return r.Name + " is of the versions " + r.Revision + ": the newest of them is taken"
	case Artifact:
		if strings.HasPrefix(r.Revision, "sha256:") || exact.MatchString(r.Revision) {
			return ""
		}
	case Repository:
		if commit.MatchString(r.Revision) || version.MatchString(r.Revision) || strings.HasPrefix(r.Revision, "refs/tags/") {
			return ""
		}
	}
	if r.Revision == "" || r.Revision == "HEAD" {
		return r.Name + " has no revision: it changes as its default one does"
	}
	return r.Name + " is at " + r.Revision + ", which is no commit, tag or exact version"
}
