// Package ignore keeps fields of a generated application as they are in the
// cluster, by the rules of ignoreApplicationDifferences: JSON pointers and jq
// path expressions, into lists as well.
//
// It does not know when applications are updated, nor what a set wants them
// to be.
package ignore
