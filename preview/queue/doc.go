// Package queue decides which pull request is looked at next: fairly among
// repositories, one look at a pull request at a time, within bounds. Of what
// waits for one pull request the newest head counts; a look at an older one is
// to be stopped.
//
// It is a state machine of values: nothing in it waits, runs or knows the
// time.
//
// It does not know what a look is, nor what forges are.
package queue
