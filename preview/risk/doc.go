// Package risk says what is risky about a change of one object.
//
// Rules are data: a name, a severity, the kinds they look at, and a question
// about what was and what will be. Severities are settable, rules can be
// turned off, and a gate says from which severity on a change fails a check.
//
// It does not know which application an object is of, nor what is live.
package risk
