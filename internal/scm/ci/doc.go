// Package ci finds out from the environment of a job in which pull request of
// which forge it runs, and which token of it may post there: GitHub Actions,
// GitLab CI, Gitea and Forgejo Actions, Bitbucket Pipelines, Azure Pipelines,
// Jenkins, Woodpecker and CircleCI.
//
// It does not ask the forge, and does not know what is posted.
package ci
