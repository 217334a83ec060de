package snapshot

// Lines are lines of a file of a commit, counted from 1. From 0 is the file as
// a whole.
type Lines struct {
	// At is where the commit is; its Revision does not count.
	At       Location
	Commit   string
	Path     string
	From, To int
}

// Touch is the last commit that touched some lines.
type Touch struct {
	Commit Commit
	// Path and Line are where the first of them is in that commit.
	Path string
	Line int
	// Beyond says that the history is not known so far back: the lines are
	// older than Commit, which is the oldest that was seen with them.
	Beyond bool
}
