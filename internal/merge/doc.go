// Package merge puts together what two commits made of a third: the files that
// a pull request leaves when it is merged, without merging it.
//
// Folders that only one side changed are that side's, by their ids, without
// being read; texts that both changed are merged line by line. What cannot be
// merged is named, and is the change's own version meanwhile.
//
// It does not know Git: neither how commits are found, nor which is the base.
package merge
