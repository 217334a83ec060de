// Package rego evaluates policies in Rego, by the conventions of conftest: in
// any package, rules named deny, violation or warn, alone or with a suffix,
// give messages, as texts or as objects with msg. The input is the object.
//
// Rules of the package change, and of those below it, see the change instead:
// action, application, namespace, cluster, before, after and paths.
//
// Policies reach neither the network nor the environment, and are stopped when
// they take too long or too much memory.
//
// It does not know where policies are from, nor what becomes of a violation.
package rego
