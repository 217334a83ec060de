// Package ownership reads managedFields: who says to own which fields, and
// whether that changed since it was last looked at.
//
// It does not know the fields' values, nor what anybody wanted them to be.
package ownership
