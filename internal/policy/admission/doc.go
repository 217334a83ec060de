// Package admission evaluates ValidatingAdmissionPolicies without a server, by
// the same expression language, libraries and cost limits.
//
// What only a server knows is not pretended: a policy that asks the authorizer,
// or selects by labels of a namespace that nobody declares, is told as not
// evaluated.
//
// It does not know where policies are from, nor what becomes of a violation.
package admission
