// Package reads remembers what expanding a set asked the world, and tells
// later whether the world would answer otherwise.
//
// A set whose questions get the same answers expands to the same applications,
// and need not be expanded again: a commit costs the sets that read something
// it changed, and no others.
//
// It does not know what generators make of an answer, nor when to ask again.
package reads
