// Package git opens commits of Git repositories as snapshot trees.
//
// Each repository has one bare mirror on disk, without history, to which
// commits are added one by one; repositories with a file URL are read where
// they are. One Poll asks a repository for the refs in use, once, whatever
// the number of applications on it; Resolve and Tree answer from what was
// learnt then. Nothing is checked out and no program is run.
//
// What servers say is in wire, what is on the disk in pack.
//
// It does not know what files mean, which applications exist, nor when to
// poll.
package git
