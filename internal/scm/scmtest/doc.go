// Package scmtest serves one small world in the shape of each forge's API, for
// tests: with pages, ETags and rate limits as the forges have them.
//
// It does not know who asks, nor what the answers are for.
package scmtest
