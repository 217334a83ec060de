// Package patch writes what becomes of files as a unified diff, as "git apply"
// and "patch" read it.
//
// It does not know why files change.
package patch
