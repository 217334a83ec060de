// Package content is the parameters that folders, files and elements of lists
// give: names, and the objects in them.
//
// It does not know repositories, nor which files were picked.
package content
