// Package helm renders charts, through Helm's engine.
//
// Charts come from the tree, with the charts they depend on. It is "helm
// template": lookups find nothing, the network and the environment are out of
// reach, and no release is stored.
//
// It does not know Git, clusters, nor what becomes of the objects.
package helm
