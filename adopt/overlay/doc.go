// Package overlay shows the files of a commit as they would be after a change.
//
// It does not know why files change, nor who reads them.
package overlay
