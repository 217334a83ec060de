// Package manifest reads objects from YAML documents and JSON, and says where
// in the file one is broken.
//
// It does not know what the objects mean, nor which of them belong together.
package manifest
