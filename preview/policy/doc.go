// Package policy holds what policies say about the objects of a change, and
// tells what is new about it: a violation that base has as well is said, and
// counts for no gate.
//
// Policies are read from base, so that a change cannot turn off what judges it.
// Values of Secrets are marks before any policy sees them.
//
// It does not know the languages of policies, nor which severities fail a
// check.
package policy
