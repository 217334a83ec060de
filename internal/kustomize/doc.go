// Package kustomize renders kustomizations, through krusty over a tree.
//
// Bases may lie anywhere in the repository. Nothing is fetched: resources
// from elsewhere are refused, and plugins are off.
//
// It does not know Git, clusters, nor what becomes of the objects.
package kustomize
