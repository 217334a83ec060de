package snapshot

import (
	"io/fs"
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
}

// Short is the commit's id as people write it: seven characters.
func (c Commit) Short() string {
	if len(c.SHA) < 7 {
		return c.SHA
	}
	return c.SHA[:7]
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

// Hasher is implemented by an FS that knows the id of a file's content
// without reading it. Links are followed.
type Hasher interface {
	Hash(path string) (string, error)
}

// Tree is the files of one commit.
type Tree struct {
	Commit Commit
	FS     FS
}

// MaxFileSize is the size in bytes above which a file is refused: no manifest
// is that large, and a repository must not be able to exhaust the agent.
const MaxFileSize = 8 << 20
