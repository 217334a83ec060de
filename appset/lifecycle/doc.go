// Package lifecycle turns what a set has into what it wants: which of its
// applications to create, update and delete, which to leave alone and why,
// and what to tell of it.
//
// It is careful in one direction. Whatever is in doubt (a generator that
// failed, an empty answer that nobody verified, an application that was
// rejected) deletes nothing; a deletion larger than the budget waits until
// somebody confirms exactly that one.
//
// It does not know how generators find what they give, where applications are
// stored, nor who writes them.
package lifecycle
