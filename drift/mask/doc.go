// Package mask replaces secret values by marks that still tell equal from
// different.
//
// It does not know which values are secret.
package mask
