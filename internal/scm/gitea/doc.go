// Package gitea reads organizations, users and pull requests of Gitea and
// Forgejo.
//
// It does not know where credentials are, nor who counts requests.
package gitea
