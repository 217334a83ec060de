// Package github reads organizations and pull requests of GitHub and of GitHub
// Enterprise.
//
// It does not know where credentials are, nor who counts requests.
package github
