// Package output writes drift for programs and for reviews: the versioned
// DriftReport, Markdown, JUnit, SARIF, and the annotations of GitHub's
// workflows. Values are those of a comparison, so that secrets are marks
// already; everything else in them is taken for hostile.
//
// It does not know where drift was read, nor who reads what it writes.
package output
