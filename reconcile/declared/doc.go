// Package declared answers where Git declares a value of an application, and
// which commit touched that last.
//
// A Question holds the tree that was rendered, so that the answer is about that
// commit whenever it is asked for. What is not known stays empty: an answer
// says how near it comes.
//
// It does not know when to ask, where answers are kept, how history is read, nor
// what differs in a cluster.
package declared
