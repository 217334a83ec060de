// Package gitlab reads groups and merge requests of GitLab.
//
// It does not know where credentials are, nor who counts requests.
package gitlab
