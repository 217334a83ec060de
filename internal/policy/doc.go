// Package policy makes what judges changes out of policies in Rego and of
// Kubernetes' own.
//
// It does not know where policies are from, nor what becomes of a violation.
package policy
