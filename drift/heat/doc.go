// Package heat counts, with a memory that fades, how often something had to
// be done again.
//
// Each time adds one; what was added is half as much after each half-life.
// From a threshold on something is hot, and it stays so until the heat has
// fallen under half of the threshold: then it has to come back once to be hot
// again, and not at once.
//
// It does not know what is counted, what is done about it, nor the time.
package heat
