// Package schema knows the structure of Kubernetes kinds as far as comparing
// needs it: how lists are keyed, which scalars have several spellings, and what
// the server fills in.
//
// It does not know objects: who wants which value is package drift's business.
package schema
