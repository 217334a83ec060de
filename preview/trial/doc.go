// Package trial tries what merging a change would do: it finds the
// applications of both sides, expands their sets, renders what the change may
// touch by the same flow that syncs, and has both sides compared.
//
// An application whose spec stays, and that read nothing the change touches, is
// rendered on one side only, which a cache of rendered results answers.
// Applications that applications describe are followed.
//
// It does not know where commits come from, nor who asks.
package trial
