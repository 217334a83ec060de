// Package apply runs a plan; it is the only package that writes to a cluster.
//
// It takes the steps group by group, goes on after the failure of an object
// within a wave, and never starts a later wave or a prune after one: what
// failed is retried by a later plan. A delete carries the UID of the object
// that the plan saw, so that a successor of the same name is never hit.
//
// It does not know how the plan was made, whether an application is healthy,
// nor when to try again.
package apply
