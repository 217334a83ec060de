// Package layer holds the rules that keep the tree readable: which package may
// import which, and how large files, functions and packages may grow.
//
// It does not know what any of the packages do.
package layer
