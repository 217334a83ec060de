// Package sides puts together what a cluster has and what a repository
// describes, and remembers in whose hands applications are.
//
// It does not know what applications and sets are made of.
package sides
