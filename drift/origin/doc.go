// Package origin finds the lines of files that declare a value of an object:
// in the manifest, or in what a kustomization puts over it.
//
// It claims no more than it knows. A line is told where it holds the very value
// that was rendered; else what is known is where the object's description
// begins, or its file.
//
// It does not know how commits are found, how files are fetched, nor what
// differs from the value in a cluster.
package origin
