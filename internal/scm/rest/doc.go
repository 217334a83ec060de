// Package rest asks forges over HTTP. Every answer is read to its end, within
// bounds of time and size, or is an error: of a kind that internal/fault
// names, and without a secret in it.
//
// An answer that carries an ETag is kept in memory and asked for with a
// condition, which costs nothing of GitHub's rate limit while it is unchanged.
// When a limit is used up, nothing is asked until its end, and the error says
// when that is.
//
// It does not know which forge it talks to, nor what the answers mean.
package rest
