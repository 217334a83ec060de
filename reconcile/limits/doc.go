// Package limits holds applications against the project that they belong to:
// which repositories, destinations and kinds it permits.
//
// It does not know how projects are read, nor what happens to an application
// that goes beyond one.
package limits
