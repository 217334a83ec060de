// Package edit changes single values of YAML and JSON files in place: all
// other bytes, comments and formatting included, stay as they are.
//
// Every change is proved before it is returned: the changed text is parsed
// again, and holds what the old one held but for the value that was meant.
// Where that cannot be had, for an anchor that others refer to, say, nothing is
// changed and the error says why.
//
// It does not know Kubernetes' schemas, where files come from, nor why they
// change.
package edit
