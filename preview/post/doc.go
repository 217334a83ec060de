// Package post puts previews where reviewers read them: into one comment of a
// pull request, which is edited from then on, and into a status of its commit.
// It also reads what reviewers ask for in comments.
//
// The comment is known by the hidden marker in its first line and by its
// author: anybody can copy a marker. One edit of a pull request is under way
// at a time, and of those that wait the newest wins.
//
// It does not know what a preview says, what the forges are called, nor how
// they are asked.
package post
