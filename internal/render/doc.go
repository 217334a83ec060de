// Package render turns a tree and a source into desired objects: the engine
// port and the read-set cache.
//
// Plain directories are rendered here; every other kind of source has an
// engine behind Engine. Whatever an engine is fed with, a hostile repository
// included, it can only read the tree, only return so much, and only fail
// with an error.
//
// It does not know Git, Kustomize, Helm, nor what becomes of the objects.
package render
