// Package show words what a preview found: changes as lines of a diff, and
// what they come to in a sentence. Terminal, comment and page use the same
// words.
//
// It does not know where its lines are shown, nor how much room there is.
package show
