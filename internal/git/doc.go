// Package git opens commits of Git repositories as snapshot trees, through
// go-git.
//
// Each repository has one bare mirror on disk, shallow and grown commit by
// commit; repositories with a file URL are read where they are. One Poll asks
// a repository for its refs, once, whatever the number of applications on it;
// Resolve and Tree answer from what was learnt then. Nothing is checked out
// and no program is run.
//
// It does not know what files mean, which applications exist, nor when to
// poll.
package git
