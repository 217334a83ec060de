//go:build !unix

package jsonnet

// limit has nothing to set here: the soft limit of the runtime is all there
// is.
func limit(int64) error { return nil }
