// Package jsonnet evaluates the Jsonnet files of a tree.
//
// Jsonnet is a language in which a few characters can ask for endless time or
// memory, and its library cannot be told to stop. So files are evaluated in a
// child process, this same program started anew, which has no environment,
// asks for every import on its standard output, and is killed when it takes
// longer or needs more than it may.
//
// It does not know Git, Kubernetes, nor what the results mean.
package jsonnet
