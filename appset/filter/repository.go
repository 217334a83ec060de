package filter

import (
	"cmp"
	"slices"
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

// SameRepository compares what Repository gives: no forge tells names apart by
// case.
func SameRepository(a, b string) bool { return strings.EqualFold(a, b) }

// Merged adds up pull requests of several answers, at times of the same
// repository.
func Merged(all, more []v1alpha1.RepositoryPullRequests) []v1alpha1.RepositoryPullRequests {
	for _, m := range more {
		i := slices.IndexFunc(all, func(r v1alpha1.RepositoryPullRequests) bool { return SameRepository(r.Repository, m.Repository) })
		if i < 0 {
			all = append(all, m)
			continue
		}
		numbers := append(slices.Clone(all[i].Numbers), m.Numbers...)
		slices.Sort(numbers)
		all[i].Numbers = slices.Compact(numbers)
	}
	return all
}
