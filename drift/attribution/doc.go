// Package attribution blames the differences of a finished report, or of a
// status, on the requests that audit events told of. Pure.
//
// It does not know what lies between two versions of an object: reconcile,
// which saw them, is more exact.
package attribution
