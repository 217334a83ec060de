// Package comment writes a preview as the one comment of a pull request.
//
// Its size is bounded by construction: the verdict, the risks and the foot
// always have room, the table shrinks to counts, diffs are left out object by
// object and lines by lines, never in the middle of a line or a fence, and
// what is not shown is counted. Whatever a pull request holds is shown as text.
//
// It does not know forges, nor how a comment is posted.
package comment
