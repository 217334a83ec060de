// Package blame follows lines of a file back through history, to the last
// commit that touched them.
//
// It goes from commit to commit: what a parent has unchanged comes from that
// parent. Of a merge each line comes from the first parent that has it. A file
// that a parent does not have is looked for there under another path with the
// same content.
//
// It does not know where commits and files are kept, how they are fetched, nor
// what the lines mean.
package blame
