// Package object holds identity, sets and paths of Kubernetes objects.
//
// It does not know where an object comes from, nor what its fields mean.
package object
