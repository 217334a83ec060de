package reads_test

import (
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/reads"
)

func TestConcerns(t *testing.T) {
	t.Parallel()
	const shop = "github.com/acme/shop"
	for _, tc := range []struct {
		name, generator, repository string
		want                        bool
	}{
		{"its pull requests", `pullRequest: {github: {owner: acme, repo: Shop}}`, shop, true},
		{"those of another repository", `pullRequest: {github: {owner: acme, repo: shop}}`, "github.com/acme/shop2", false},
		{"those of a repository whose name ends so", `pullRequest: {github: {owner: acme, repo: shop}}`, "github.com/big-acme/shop", false},
		{"its owner", `scmProvider: {gitea: {owner: acme, api: "https://git.example"}}`, shop, true},
		{"another owner", `scmProvider: {github: {organization: acm}}`, shop, false},
		{"a group of groups", `scmProvider: {gitlab: {group: acme/platform}}`, "gitlab.com/acme/platform/deep/shop", true},
		{"a project by its path", `pullRequest: {gitlab: {project: acme/platform/shop}}`, "gitlab.com/acme/platform/shop", true},
		{"a project by its id, which may be any", `pullRequest: {gitlab: {project: "4711"}}`, "gitlab.com/acme/shop", true},
		{"Bitbucket Server below a path", `pullRequest: {bitbucketServer: {project: PLAT, repo: config, api: x}}`, "bitbucket.example/context/scm/plat/config", true},
		{"Azure DevOps", `pullRequest: {azuredevops: {organization: acme, project: Plat Form, repo: config}}`, "dev.azure.com/acme/plat form/_git/config", true},
		{"Azure DevOps, quoted", `pullRequest: {azuredevops: {organization: acme, project: Plat Form, repo: config}}`, "dev.azure.com/acme/plat%20form/_git/config", true},
		{"Azure DevOps over SSH", `pullRequest: {azuredevops: {organization: acme, project: plat, repo: config}}`, "ssh.dev.azure.com/v3/acme/plat/config", true},
		{"Azure DevOps, another project", `pullRequest: {azuredevops: {organization: acme, project: plat, repo: config}}`, "dev.azure.com/acme/form/_git/config", false},
		{"Azure DevOps, a project of many repositories", `scmProvider: {azureDevOps: {organization: acme, teamProject: plat}}`, "dev.azure.com/acme/plat/_git/config", true},
		{"in a matrix, filled in", `matrix: {generators: [{list: {}}, {pullRequest: {github: {owner: acme, repo: "{{repo}}"}}}]}`, shop, true},
		{"two levels deep", `matrix: {generators: [{list: {}}, {merge: {mergeKeys: [a], generators: [{scmProvider: {github: {organization: acme}}}]}}]}`, shop, true},
		{"an element of a list that looks so", `list: {elements: [{pullRequest: {github: {owner: acme, repo: shop}}}]}`, shop, false},
		{"Git, which is polled", `git: {repoURL: "https://github.com/acme/shop", revision: main}`, shop, false},
		{"filters alone", `scmProvider: {filters: [{repositoryMatch: shop}]}`, shop, false},
	} {
		var set v1alpha1.ApplicationSet
		if err := yaml.UnmarshalStrict([]byte("spec: {template: {metadata: {}, spec: {}}, generators: [{"+tc.generator+"}]}"), &set); err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		if got := reads.Concerns(&set, []string{"other/x", tc.repository}); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}
