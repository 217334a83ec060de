// Package misfit finds what in a JSON document does not fit a Go type, all of
// it, each with its place.
//
// It does not know the types, nor where the document is from.
package misfit
