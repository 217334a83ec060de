// Package revert says how to take away some differences of an object, and to
// leave the others as they are.
//
// A server-side apply changes what Git declares and takes away what we owned.
// What to leave is left out of it where somebody else owns it; where only we
// own it, or it is part of a value that has one owner, the live value is sent.
// What somebody else added is not ours to apply away: it is removed by its
// place in one version of the object.
//
// It does not know why a difference is left, who writes, nor what a cluster
// makes of it.
package revert
