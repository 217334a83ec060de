// Package scm reaches the servers that host repositories: GitHub, GitLab,
// Gitea, Bitbucket Cloud, Bitbucket Server and Azure DevOps. It finds the
// credentials that a generator names, holds to what the operator allows, and
// opens the forge.
//
// It does not know where Secrets are kept, nor what becomes of the answers.
package scm
