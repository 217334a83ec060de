// Package place is errors that know their place in an ApplicationSet's
// document, collected so that all are told at once.
//
// It does not know what a document may hold.
package place
