// Package agent is the long-running process: it puts the flow, the adapters
// and the controllers together and owns their goroutines.
//
// It does not know how adapters work, nor what a comparison or a plan
// contains.
package agent
