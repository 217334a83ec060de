// Package kustomize renders kustomizations, through krusty over trees.
//
// Before krusty runs, every kustomization that it will read is walked: bases
// in other repositories are opened through the request and shown to krusty as
// folders, charts are inflated through a port, and whatever would make krusty
// fetch a file, execute a program or leave a tree is refused. What krusty then
// sees is bounded, because it cannot be stopped.
//
// It does not know Git, Helm, clusters, nor what becomes of the objects.
package kustomize
