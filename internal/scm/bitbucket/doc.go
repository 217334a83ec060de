// Package bitbucket reads workspaces of Bitbucket Cloud, projects of Bitbucket
// Server and Data Center, and the pull requests of both.
//
// It does not know where credentials are, nor who counts requests.
package bitbucket
