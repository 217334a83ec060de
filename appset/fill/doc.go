// Package fill makes an Application of a template and one parameter set.
//
// It does not know generators: where parameters come from, and which other
// applications there are.
package fill
