// Package filter is the filters of generators that ask forges: which
// repositories, branches and pull requests they take, and what names branches
// give.
//
// It does not know what a forge is, nor what becomes of what is taken.
package filter
