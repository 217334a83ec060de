// Package schema knows the structure of Kubernetes kinds as far as comparing
// needs it: how lists are keyed, and which scalars have several spellings.
//
// It does not know values: what equals what is package drift's business.
package schema
