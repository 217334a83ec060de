// Package registry opens charts of Helm repositories and of OCI registries,
// OCI artifacts, and single files of web servers, as snapshot trees.
//
// What a version range or a tag stands for is asked once and remembered until
// the next Poll. Archives are kept on disk by their digest, which is checked
// whenever one is read, and are never unpacked there: a tree lives in memory.
//
// It does not know Git, charts beyond their archives, nor who renders them.
package registry
