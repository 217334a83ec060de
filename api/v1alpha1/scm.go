package v1alpha1

// SecretRef is one key of a Secret.
type SecretRef struct {
	SecretName string `json:"secretName"`
	Key        string `json:"key"`
}

// ConfigMapKeyRef is one key of a ConfigMap.
type ConfigMapKeyRef struct {
	ConfigMapName string `json:"configMapName"`
	Key           string `json:"key"`
}

// BasicAuthBitbucketServer is a user and a password.
type BasicAuthBitbucketServer struct {
	Username    string     `json:"username"`
	PasswordRef *SecretRef `json:"passwordRef"`
}

// BearerToken is a token of Bitbucket.
type BearerToken struct {
	TokenRef *SecretRef `json:"tokenRef"`
}

// SCMProviderGenerator yields the repositories of exactly one forge.
type SCMProviderGenerator struct {
	Github          *SCMProviderGeneratorGithub          `json:"github,omitempty"`
	Gitlab          *SCMProviderGeneratorGitlab          `json:"gitlab,omitempty"`
	Bitbucket       *SCMProviderGeneratorBitbucket       `json:"bitbucket,omitempty"`
	BitbucketServer *SCMProviderGeneratorBitbucketServer `json:"bitbucketServer,omitempty"`
	Gitea           *SCMProviderGeneratorGitea           `json:"gitea,omitempty"`
	AzureDevOps     *SCMProviderGeneratorAzureDevOps     `json:"azureDevOps,omitempty"`
	AWSCodeCommit   *SCMProviderGeneratorAWSCodeCommit   `json:"awsCodeCommit,omitempty"`
	// Filters select repositories: all conditions of any one filter.
	Filters             []SCMProviderGeneratorFilter `json:"filters,omitempty"`
	CloneProtocol       string                       `json:"cloneProtocol,omitempty"`
	RequeueAfterSeconds *int64                       `json:"requeueAfterSeconds,omitempty"`
	Values              map[string]string            `json:"values,omitempty"`
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Template ApplicationSetTemplate `json:"template,omitzero"`
}

// SCMProviderGeneratorGithub names an organization of GitHub.
type SCMProviderGeneratorGithub struct {
	Organization         string     `json:"organization"`
	API                  string     `json:"api,omitempty"`
	TokenRef             *SecretRef `json:"tokenRef,omitempty"`
	AppSecretName        string     `json:"appSecretName,omitempty"`
	AllBranches          bool       `json:"allBranches,omitempty"`
	ExcludeArchivedRepos bool       `json:"excludeArchivedRepos,omitempty"`
}

// SCMProviderGeneratorGitlab names a group of GitLab.
type SCMProviderGeneratorGitlab struct {
	Group            string     `json:"group"`
	IncludeSubgroups bool       `json:"includeSubgroups,omitempty"`
	API              string     `json:"api,omitempty"`
	TokenRef         *SecretRef `json:"tokenRef,omitempty"`
	AllBranches      bool       `json:"allBranches,omitempty"`
	Insecure         bool       `json:"insecure,omitempty"`
	// IncludeSharedProjects nil means true.
	IncludeSharedProjects *bool            `json:"includeSharedProjects,omitempty"`
	IncludeArchivedRepos  *bool            `json:"includeArchivedRepos,omitempty"`
	Topic                 string           `json:"topic,omitempty"`
	CARef                 *ConfigMapKeyRef `json:"caRef,omitempty"`
}

// SCMProviderGeneratorGitea names an owner on Gitea.
type SCMProviderGeneratorGitea struct {
	Owner                string     `json:"owner"`
	API                  string     `json:"api"`
	TokenRef             *SecretRef `json:"tokenRef,omitempty"`
	AllBranches          bool       `json:"allBranches,omitempty"`
	Insecure             bool       `json:"insecure,omitempty"`
	ExcludeArchivedRepos bool       `json:"excludeArchivedRepos,omitempty"`
}

// SCMProviderGeneratorBitbucketServer names a project of Bitbucket Server.
type SCMProviderGeneratorBitbucketServer struct {
	Project     string                    `json:"project"`
	API         string                    `json:"api"`
	BasicAuth   *BasicAuthBitbucketServer `json:"basicAuth,omitempty"`
	BearerToken *BearerToken              `json:"bearerToken,omitempty"`
	AllBranches bool                      `json:"allBranches,omitempty"`
	Insecure    bool                      `json:"insecure,omitempty"`
	CARef       *ConfigMapKeyRef          `json:"caRef,omitempty"`
}

// SCMProviderGeneratorBitbucket names a workspace of Bitbucket Cloud.
type SCMProviderGeneratorBitbucket struct {
	Owner          string     `json:"owner"`
	User           string     `json:"user"`
	AppPasswordRef *SecretRef `json:"appPasswordRef"`
	AllBranches    bool       `json:"allBranches,omitempty"`
}

// SCMProviderGeneratorAzureDevOps names a team project of Azure DevOps.
type SCMProviderGeneratorAzureDevOps struct {
	Organization   string     `json:"organization"`
	API            string     `json:"api,omitempty"`
	TeamProject    string     `json:"teamProject"`
	AccessTokenRef *SecretRef `json:"accessTokenRef"`
	AllBranches    bool       `json:"allBranches,omitempty"`
}

// SCMProviderGeneratorAWSCodeCommit names a region and a role.
type SCMProviderGeneratorAWSCodeCommit struct {
	TagFilters  []TagFilter `json:"tagFilters,omitempty"`
	Role        string      `json:"role,omitempty"`
	Region      string      `json:"region,omitempty"`
	AllBranches bool        `json:"allBranches,omitempty"`
}

// TagFilter selects repositories by a tag.
type TagFilter struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
}

// SCMProviderGeneratorFilter holds conditions that must all be true.
type SCMProviderGeneratorFilter struct {
	RepositoryMatch *string  `json:"repositoryMatch,omitempty"`
	PathsExist      []string `json:"pathsExist,omitempty"`
	PathsDoNotExist []string `json:"pathsDoNotExist,omitempty"`
	LabelMatch      *string  `json:"labelMatch,omitempty"`
	BranchMatch     *string  `json:"branchMatch,omitempty"`
}
