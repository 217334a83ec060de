// Package proposal writes what people read of an adoption: the commit, the pull
// request and the name of its branch.
//
// It does not know forges, nor how the changes were found. Whatever it is told
// is shown as text: nothing of it is Markdown or a line of a commit message.
package proposal
