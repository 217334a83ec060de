// Package rollout syncs the applications of a set step by step: a state
// machine for each application, a gate for each step.
//
// It is a pure function from where the applications were and what is seen of
// them to where they are and which of them to sync now. Every state can be
// left: what failed is tried again, ever more slowly; what was asked for and
// not taken up is asked for again; a newer target starts over.
//
// It does not know how an application is synced, why one is not up to date,
// nor who stores the states.
package rollout
