// Package follow keeps what is known of a previewed pull request in its own
// comment, and tells there what became of the change after the merge: cluster
// by cluster, application by application.
//
// What it reads of a comment may have been written by anybody who may edit
// comments: it is bounded, and says nothing about who may do what.
//
// It does not know forges, clusters, nor how applications are watched.
package follow
