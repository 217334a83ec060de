// Package value reads and changes decoded documents by paths, without touching
// what it is given.
//
// It does not know how documents are written down, nor what their fields mean.
package value
