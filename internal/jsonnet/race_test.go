//go:build race

package jsonnet_test

// raced: the race detector alone needs more memory than a child may have.
const raced = true
