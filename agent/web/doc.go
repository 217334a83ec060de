// Package web is the agent's HTTP API, and its client: both sides of the wire
// are here, so that they change together. It answers questions and changes
// nothing. Beside it, webhooks take in what forges tell of pushes.
//
// It does not know clusters or Git, only what was remembered, nor which
// repositories are in use.
package web
