package filter

import (
	"cmp"
	"strings"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// Repository names the repository of a pull request generator: the forge's address and
// the repository's path.
func Repository(gen *v1alpha1.PullRequestGenerator) string {
	name := func(api, usual string, path ...string) string {
		return strings.TrimSuffix(cmp.Or(api, usual), "/") + " " + strings.Join(path, "/")
	}
	switch {
	case gen.Github != nil:
		return name(gen.Github.API, "https://api.github.com", gen.Github.Owner, gen.Github.Repo)
	case gen.GitLab != nil:
		return name(gen.GitLab.API, "https://gitlab.com", gen.GitLab.Project)
	case gen.Gitea != nil:
		return name(gen.Gitea.API, "", gen.Gitea.Owner, gen.Gitea.Repo)
	case gen.Bitbucket != nil:
		return name(gen.Bitbucket.API, "https://api.bitbucket.org/2.0", gen.Bitbucket.Owner, gen.Bitbucket.Repo)
	case gen.BitbucketServer != nil:
		return name(gen.BitbucketServer.API, "", gen.BitbucketServer.Project, gen.BitbucketServer.Repo)
	case gen.AzureDevOps != nil:
		return name(gen.AzureDevOps.API, "https://dev.azure.com", gen.AzureDevOps.Organization, gen.AzureDevOps.Project, gen.AzureDevOps.Repo)
	}
	return ""
}
