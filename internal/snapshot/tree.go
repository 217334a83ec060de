package snapshot

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"
)

// Commit says where files come from.
type Commit struct {
	// Repo is the URL of the repository as users write it, Ref the
	// revision they asked for, and SHA the commit that it names, in full.
	Repo, Ref, SHA string

	Author  string
	Subject string
	Time    time.Time
	// Adopts says that the commit takes live values over: what its trailers
	// name, one in a line, or "*" where only its subject tells.
	Adopts string
}

// AdoptsTrailer begins the lines of a commit's message that name the live
// values which it takes over, and AdoptsBranch the names of branches that such
// commits come from.
const (
	AdoptsTrailer = "Trueup-Adopts: "
	AdoptsBranch  = "trueup/adopt-"
)

// Adopts reads Commit.Adopts off a message.
func Adopts(message string) string {
	var all []string
	subject, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	for line := range strings.Lines(message) {
		if named, ok := strings.CutPrefix(strings.TrimSpace(line), AdoptsTrailer); ok {
			all = append(all, strings.TrimSpace(named))
		}
	}
	if len(all) == 0 && strings.Contains(subject, AdoptsBranch) {
		return "*" // the forge's own message for the merge
	}
	return strings.Join(all, "\n")
}

// Short is the commit's id as people write it: seven characters of a hash; a
// chart's version stays as it is.
func (c Commit) Short() string {
	id := strings.TrimPrefix(c.SHA, "sha256:")
	if len(id) < 7 || strings.Trim(id, "0123456789abcdef") != "" {
		return id
	}
	return id[:7]
}

// Location is what a tree is asked for by.
type Location struct {
	// RepoURL is a Git repository, a Helm repository (https:// or an OCI
	// registry without a scheme) where Chart is given, or an OCI artifact
	// (oci://).
	RepoURL string `json:"repoURL"`
	// Chart is a chart's name in a Helm repository; empty for all others.
	Chart string `json:"chart,omitempty"`
	// Revision is a branch, tag, commit id or range of versions of Git, a
	// version or a range of them of a chart, a tag, range or digest of an
	// artifact. Empty is the default branch, or the newest version.
	Revision string `json:"revision,omitempty"`
	// TagPrefix picks the tags that a version or a range of versions is about:
	// it is taken off before tags are compared.
	TagPrefix string `json:"tagPrefix,omitempty"`
	// File says that RepoURL is one file on a web server: the tree holds it
	// alone, by the name FileName.
	File bool `json:"file,omitempty"`
	// PassCredentials sends a Helm repository's credentials to other hosts,
	// too, that its index names for the chart.
	PassCredentials bool `json:"passCredentials,omitempty"`
}

var pinned = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64}|sha256:[0-9a-f]{64}|refs/tags/.+|(.*[-/@])?v?\d+\.\d+\.\d+([-+].+)?)$`)

// Pinned reports a revision that nobody moves: a whole commit id, a digest, or
// what looks like a release. A tag can be moved, but that is not how releases
// are made.
func (l Location) Pinned() bool { return pinned.MatchString(l.Revision) }

// FileName is the name in the tree of a location that is a File: the last part
// of its URL.
func (l Location) FileName() string {
	name := "file"
	if u, err := url.Parse(l.RepoURL); err == nil {
		if base := path.Base(u.Path); fs.ValidPath(base) && base != "." {
			name = base
		}
	}
	return name
}

// FS is the files of one commit: slash paths, relative to the repository's
// root. Symbolic links that stay inside the repository are followed; those
// that leave it are an error of kind fault.Invalid. It may be used by several
// goroutines.
type FS interface {
	fs.ReadFileFS
	fs.ReadDirFS
	fs.StatFS
}

// Hasher is implemented by an FS that knows the id of a file's content, and of
// a directory with all below it, without reading them. Links to what is asked
// for are followed; those below a directory are part of it as links.
type Hasher interface {
	Hash(path string) (string, error)
}

// Sealer is implemented by an FS that opens other repositories as parts of its
// own, as submodules are. Sealed are the same files without those: asking for
// them is a fault.Denied.
type Sealer interface {
	Sealed() FS
}

// Seal is the sealed files of a tree; what opens nothing else stays as it is.
func Seal(files FS) FS {
	if s, ok := files.(Sealer); ok {
		return s.Sealed()
	}
	return files
}

// Restricter is implemented by an FS that opens other repositories as parts of
// its own, as submodules are. Restricted are the same files where one is opened
// only after may was asked about its URL, and whose errors say what may says.
type Restricter interface {
	Restricted(may func(ctx context.Context, url string) error) FS
}

// Restrict is the restricted files of a tree; what opens nothing else stays as
// it is.
func Restrict(files FS, may func(ctx context.Context, url string) error) FS {
	if r, ok := files.(Restricter); ok {
		return r.Restricted(may)
	}
	return files
}

// Waiter is implemented by an FS that may have to wait for other repositories,
// as for those of submodules. Waiting are the same files where nobody waits for
// longer than ctx.
type Waiter interface {
	Waiting(ctx context.Context) FS
}

// Wait is the waiting files of a tree; what waits for nothing stays as it is.
func Wait(ctx context.Context, files FS) FS {
	if w, ok := files.(Waiter); ok {
		return w.Waiting(ctx)
	}
	return files
}

// ErrPending is in the error of who could not wait for files any longer. They are
// still on their way, and who asks again waits for the same ones.
var ErrPending = errors.New("the files are still being fetched")

// Tree is the files of one commit.
type Tree struct {
	Commit Commit
	FS     FS
}

// MaxFileSize is the size in bytes above which a file is refused: no manifest
// is that large, and a repository must not be able to exhaust the agent.
const MaxFileSize = 8 << 20
