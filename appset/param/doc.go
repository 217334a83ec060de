// Package param is the parameters that generators give: decoding them without
// losing a digit, naming them flatly, selecting them, and putting those of two
// generators together.
//
// A parameter set is decoded JSON, with integers as Number, Integer or
// Natural. Nothing here changes a set that it was given.
//
// It does not know generators, templates, or where parameters come from.
package param
