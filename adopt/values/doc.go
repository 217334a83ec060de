// Package values finds, among the values of a chart, those that may make a field
// of an object, and the file to change them in.
//
// It does not know Helm's templates: which of the candidates does make the
// field is for the caller to try.
package values
