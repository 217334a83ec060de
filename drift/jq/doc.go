// Package jq runs jq's path expressions as untrusted input: those of rules,
// which tell where an object may differ.
//
// An expression is checked before it runs. What passes reads the object and
// nothing else, and makes nothing that is much larger; the interpreter is cut
// off after half a second. What does not pass is refused with the reason.
//
// It does not know what the places are for, nor what the object is.
package jq
