// Package previews has the agent preview pull requests: it learns of them by
// webhooks and by asking, says at once that it is at work, tries what merging
// would do, posts it, answers commands, and tells after the merge what became
// of it.
//
// Nothing that must outlive the agent is kept in memory: comments hold what is
// known of each pull request. A look at one compares what the forge has with
// what is due, so that looking twice does no harm.
//
// It does not know how repositories are opened, changes rendered, or
// applications watched: it is given ports.
package previews
