// Package pack keeps Git objects in pack files: it indexes what arrives,
// completes thin packs from what is held, reads single objects, and copies
// what is still wanted into one new pack.
//
// Files that were opened are never changed. A Set is a fixed choice of packs:
// who holds one can read every object in it, even after the files were
// replaced. Indexes stay on disk, so memory does not grow with a repository.
//
// It does not know remote servers, refs, nor which commits are wanted.
package pack
