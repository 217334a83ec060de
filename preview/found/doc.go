// Package found collects what is wrong beside single applications while a change
// is tried, with the places in Git, so that each thing is told once.
//
// It does not know where documents are looked for, nor what a report shows.
package found
