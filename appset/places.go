package appset

import "github.com/trueup-dev/trueup/appset/place"

// Problem is one thing that is wrong with a set.
type Problem = place.Problem

// Problems takes apart an error of Generate, in the order of the document.
func Problems(err error) []Problem { return place.Split(err) }
