// Package repourl compares the URLs of repositories.
//
// It does not know what is at a URL, nor how it is reached.
package repourl
