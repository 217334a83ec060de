// Package preview tells what merging a change would do: two commits in, a
// report of what changes where out.
//
// Both sides are rendered by whoever calls, through the same pipe that syncs
// applications. Objects are compared by the rules of drift, so that what only
// looks different is no change. Applications and objects that were renamed are
// matched by how alike they are. The same change in several applications is
// told once.
//
// A report never says that nothing changes unless every application that the
// change may touch was rendered on both sides.
//
// It does not know Git, forges, clusters, nor how a report is shown.
package preview
