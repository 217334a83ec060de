// Package known holds the built-in rules: differences that Kubernetes and
// common controllers make, as data, each with what must hold for it to count.
//
// A rule explains a difference, and never hides one: its name stands beside
// the difference in every report. Where a rule speaks of a controller, the
// difference must be that controller's: managedFields name who wrote it, and
// the object, or an autoscaler that is live, says that it may. Where it speaks
// of the server, no hand wrote the value, or it is the only one that the
// server gives.
//
// It does not know how objects are compared, nor the rules of users.
package known
