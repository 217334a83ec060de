// Package orphan finds what lies in a namespace and is tracked by nobody.
//
// Most of what a namespace holds was never meant to be in Git: copies that
// controllers make, and what every namespace is given. What these are is
// data, each with its reason.
//
// It does not know applications, projects nor clusters: it is given metadata
// and says which of it nobody answers for.
package orphan
