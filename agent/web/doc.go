// Package web is the agent's HTTP API, and its client: both sides of the wire
// are here, so that they change together. It answers questions and changes
// nothing.
//
// It does not know clusters or Git, only what was remembered.
package web
