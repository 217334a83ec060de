// Package appset is generators and templates: one set, many Applications.
// Pure, with ports for what it must ask.
//
// Generators turn questions ("which clusters", "which folders") into
// parameter sets; the template turns each parameter set into an Application.
// Any error anywhere gives no Applications at all, so that what exists is
// left alone.
//
// It does not know how repositories are read, where cluster secrets are kept,
// nor who writes the Applications.
package appset
