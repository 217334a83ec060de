// Package pick finds the folders and files of a repository that patterns name:
// folders as path.Match does, files as git ls-files does.
//
// It looks only where a pattern can match, so that the read-set of a tree, and
// with it the commits that matter, stay small.
//
// It does not know what is in the files, nor what becomes of their names.
package pick
