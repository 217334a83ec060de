package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// PullRequestGenerator yields the open pull requests of one repository.
type PullRequestGenerator struct {
	Github          *PullRequestGeneratorGithub          `json:"github,omitempty"`
	GitLab          *PullRequestGeneratorGitLab          `json:"gitlab,omitempty"`
	Gitea           *PullRequestGeneratorGitea           `json:"gitea,omitempty"`
	BitbucketServer *PullRequestGeneratorBitbucketServer `json:"bitbucketServer,omitempty"`
	Bitbucket       *PullRequestGeneratorBitbucket       `json:"bitbucket,omitempty"`
	AzureDevOps     *PullRequestGeneratorAzureDevOps     `json:"azuredevops,omitempty"`
	// Filters select pull requests: all conditions of any one filter.
	Filters                     []PullRequestGeneratorFilter `json:"filters,omitempty"`
	RequeueAfterSeconds         *int64                       `json:"requeueAfterSeconds,omitempty"`
	Values                      map[string]string            `json:"values,omitempty"`
	ContinueOnRepoNotFoundError bool                         `json:"continueOnRepoNotFoundError,omitempty"`
	// TTL leaves out pull requests that nobody touched for this long, as 72h.
	TTL *metav1.Duration `json:"ttl,omitempty"`
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Template ApplicationSetTemplate `json:"template,omitzero"`
}

// PullRequestGeneratorGithub names a repository of GitHub.
type PullRequestGeneratorGithub struct {
	Owner         string     `json:"owner"`
	Repo          string     `json:"repo"`
	API           string     `json:"api,omitempty"`
	TokenRef      *SecretRef `json:"tokenRef,omitempty"`
	AppSecretName string     `json:"appSecretName,omitempty"`
	Labels        []string   `json:"labels,omitempty"`
}

// PullRequestGeneratorGitLab names a project of GitLab.
type PullRequestGeneratorGitLab struct {
	Project          string           `json:"project"`
	API              string           `json:"api,omitempty"`
	TokenRef         *SecretRef       `json:"tokenRef,omitempty"`
	Labels           []string         `json:"labels,omitempty"`
	PullRequestState string           `json:"pullRequestState,omitempty"`
	Insecure         bool             `json:"insecure,omitempty"`
	CARef            *ConfigMapKeyRef `json:"caRef,omitempty"`
}

// PullRequestGeneratorGitea names a repository on Gitea.
type PullRequestGeneratorGitea struct {
	Owner    string     `json:"owner"`
	Repo     string     `json:"repo"`
	API      string     `json:"api"`
	TokenRef *SecretRef `json:"tokenRef,omitempty"`
	Insecure bool       `json:"insecure,omitempty"`
	Labels   []string   `json:"labels,omitempty"`
}

// PullRequestGeneratorBitbucketServer names a repository of Bitbucket Server.
type PullRequestGeneratorBitbucketServer struct {
	Project     string                    `json:"project"`
	Repo        string                    `json:"repo"`
	API         string                    `json:"api"`
	BasicAuth   *BasicAuthBitbucketServer `json:"basicAuth,omitempty"`
	BearerToken *BearerToken              `json:"bearerToken,omitempty"`
	Insecure    bool                      `json:"insecure,omitempty"`
	CARef       *ConfigMapKeyRef          `json:"caRef,omitempty"`
}

// PullRequestGeneratorBitbucket names a repository of Bitbucket Cloud.
type PullRequestGeneratorBitbucket struct {
	Owner       string                    `json:"owner"`
	Repo        string                    `json:"repo"`
	API         string                    `json:"api,omitempty"`
	BasicAuth   *BasicAuthBitbucketServer `json:"basicAuth,omitempty"`
	BearerToken *BearerToken              `json:"bearerToken,omitempty"`
}

// PullRequestGeneratorAzureDevOps names a repository of Azure DevOps.
type PullRequestGeneratorAzureDevOps struct {
	Organization string     `json:"organization"`
	Project      string     `json:"project"`
	Repo         string     `json:"repo"`
	API          string     `json:"api,omitempty"`
	TokenRef     *SecretRef `json:"tokenRef,omitempty"`
	Labels       []string   `json:"labels,omitempty"`
}

// PullRequestGeneratorFilter holds conditions that must all be true.
type PullRequestGeneratorFilter struct {
	BranchMatch       *string `json:"branchMatch,omitempty"`
	TargetBranchMatch *string `json:"targetBranchMatch,omitempty"`
	TitleMatch        *string `json:"titleMatch,omitempty"`
}
