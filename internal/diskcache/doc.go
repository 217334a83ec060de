// Package diskcache keeps byte strings by key in a folder: of a bounded size,
// the ones used longest ago dropped first, each one checked against its
// content's hash when it is read.
//
// It does not know what it keeps.
package diskcache
