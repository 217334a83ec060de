// Package reconcile is the flow on one screen: plan, apply, record, status.
//
// Decide is the part that says whether a sync starts now. It answers from
// values alone, so that every rule is a line of a table in its test.
//
// It does not know how Git or a cluster is reached, nor what time it is.
package reconcile
