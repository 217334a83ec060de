// Package helm renders charts: it is "helm template", with an engine of its
// own below Helm's loader and values.
//
// Charts come from the tree, and what they depend on from charts/ or from
// trees that are opened for them. Lookups ask the request, which may know
// nothing; the disk, the network and the environment are out of reach, and no
// release is stored. Templates are instrumented when they are parsed: they
// count what they do, so that none runs or grows without end, and they tell
// which line wrote what.
//
// It does not know Git, registries, clusters, nor what becomes of the objects.
package helm
