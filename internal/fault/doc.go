// Package fault names the kinds of error that decide what happens next:
// whether to retry, to wait for a human, or to stop.
//
// It does not know where errors come from, nor how they are shown.
package fault
