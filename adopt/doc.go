// Package adopt finds the change of files that makes Git say what is live: for
// plain manifests in place, for a kustomization in its overlay, for a chart in
// the values of the application.
//
// How files make objects is not understood here, it is tried: a change counts
// only if rendering the changed files gives the live value at that path and
// the same objects as before everywhere else. What cannot be had in that way
// is refused with the reason, each difference on its own.
//
// It does not know Git, forges, clusters, nor which engine renders.
package adopt
