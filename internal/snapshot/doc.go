// Package snapshot holds the files of one commit as fs.FS, and the read-set
// tracer.
//
// A Tree is what every later stage reads: rendering, ApplicationSet
// generators and previews see files only through it, so a repository cannot
// reach the host. Trace wraps a Tree and remembers what was read, and with
// what answer; a later commit that gives the same answers renders the same
// objects, and need not be rendered again.
//
// It does not know Git, Kubernetes, or what the files mean.
package snapshot
