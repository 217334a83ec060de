// Package reach says who is let through by Services and NetworkPolicies that was
// not before.
//
// It does not know what a rule is, nor which pods there are.
package reach
