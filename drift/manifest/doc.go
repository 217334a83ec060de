// Package manifest reads objects from YAML documents and JSON, and says where
// in the file one is broken.
//
// What it costs is linear in the input, whatever that is: what would be more
// is refused.
//
// It does not know what the objects mean, nor which of them belong together.
package manifest
