// Package outline decodes the generators of an ApplicationSet, at whatever
// depth they are in each other, and fills their texts with parameters.
//
// It does not know what a generator gives, nor whom it asks.
package outline
