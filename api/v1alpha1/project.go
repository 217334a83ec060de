package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Project limits what its applications may read and write. Argo CD calls it
// AppProject.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=proj
// +kubebuilder:printcolumn:name="Description",type=string,JSONPath=`.spec.description`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Project struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ProjectSpec   `json:"spec"`
	Status ProjectStatus `json:"status,omitzero"`
}

// ProjectList is a list of projects.
//
// +kubebuilder:object:root=true
type ProjectList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Project `json:"items"`
}

// ProjectSpec holds the limits. Repositories and destinations are globs, and a
// leading "!" denies.
type ProjectSpec struct {
	Description      string                   `json:"description,omitempty"`
	SourceRepos      []string                 `json:"sourceRepos,omitempty"`
	SourceNamespaces []string                 `json:"sourceNamespaces,omitempty"`
	Destinations     []ApplicationDestination `json:"destinations,omitempty"`

	// RemoteBases says whether kustomizations may name folders of other
	// repositories: Allowed (where it is empty, too), Pinned (at a commit or a
	// release only), or Denied. Not in Argo CD.
	// +kubebuilder:validation:Enum=Allowed;Pinned;Denied
	RemoteBases string `json:"remoteBases,omitempty"`

	ClusterResourceWhitelist   []ClusterResourceRestriction `json:"clusterResourceWhitelist,omitempty"`
	ClusterResourceBlacklist   []ClusterResourceRestriction `json:"clusterResourceBlacklist,omitempty"`
	NamespaceResourceWhitelist []metav1.GroupKind           `json:"namespaceResourceWhitelist,omitempty"`
	NamespaceResourceBlacklist []metav1.GroupKind           `json:"namespaceResourceBlacklist,omitempty"`

	Roles                           []ProjectRole                          `json:"roles,omitempty"`
	OrphanedResources               *OrphanedResources                     `json:"orphanedResources,omitempty"`
	SyncWindows                     []SyncWindow                           `json:"syncWindows,omitempty"`
	SignatureKeys                   []SignatureKey                         `json:"signatureKeys,omitempty"`
	SourceIntegrity                 *SourceIntegrity                       `json:"sourceIntegrity,omitempty"`
	PermitOnlyProjectScopedClusters bool                                   `json:"permitOnlyProjectScopedClusters,omitempty"`
	DestinationServiceAccounts      []ApplicationDestinationServiceAccount `json:"destinationServiceAccounts,omitempty"`
}

// What ProjectSpec.RemoteBases may say.
const (
	RemoteBasesAllowed = "Allowed"
	RemoteBasesPinned  = "Pinned"
	RemoteBasesDenied  = "Denied"
)

// ProjectStatus is what the agent last saw.
type ProjectStatus struct {
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
}

// ClusterResourceRestriction selects cluster-scoped objects.
type ClusterResourceRestriction struct {
	Group string `json:"group"`
	Kind  string `json:"kind"`
	Name  string `json:"name,omitempty"`
}

// ProjectRole grants policies to groups and tokens.
type ProjectRole struct {
	Name        string     `json:"name"`
	Description string     `json:"description,omitempty"`
	Policies    []string   `json:"policies,omitempty"`
	Groups      []string   `json:"groups,omitempty"`
	JWTTokens   []JWTToken `json:"jwtTokens,omitempty"`
}

// JWTToken records one issued token, never the token itself.
type JWTToken struct {
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp,omitempty"`
	ID        string `json:"id,omitempty"`
}

// OrphanedResources has the objects reported that are in the destination
// namespace of an application and tracked by nobody.
type OrphanedResources struct {
	// Warn adds a condition to the applications; it does where it is not said.
	Warn   *bool                 `json:"warn,omitempty"`
	Ignore []OrphanedResourceKey `json:"ignore,omitempty"`
}

// OrphanedResourceKey selects objects to leave out of the report, by globs. An
// empty kind or name is any, an empty group is the core group.
type OrphanedResourceKey struct {
	Group string `json:"group,omitempty"`
	Kind  string `json:"kind,omitempty"`
	Name  string `json:"name,omitempty"`
}

// SyncWindow allows or denies syncs on a schedule.
type SyncWindow struct {
	// +kubebuilder:validation:Enum=allow;deny
	Kind         string   `json:"kind,omitempty"`
	Schedule     string   `json:"schedule,omitempty"`
	Duration     string   `json:"duration,omitempty"`
	Applications []string `json:"applications,omitempty"`
	Namespaces   []string `json:"namespaces,omitempty"`
	Clusters     []string `json:"clusters,omitempty"`
	// ManualSync lets humans through.
	ManualSync  bool   `json:"manualSync,omitempty"`
	TimeZone    string `json:"timeZone,omitempty"`
	AndOperator bool   `json:"andOperator,omitempty"`
	Description string `json:"description,omitempty"`
	SyncOverrun bool   `json:"syncOverrun,omitempty"`
}

// SignatureKey is a key that commits may be signed with.
type SignatureKey struct {
	KeyID string `json:"keyID"`
}

// SourceIntegrity says which commits may be trusted.
type SourceIntegrity struct {
	Git *SourceIntegrityGit `json:"git,omitempty"`
}

// SourceIntegrityGit holds the policies for Git repositories.
type SourceIntegrityGit struct {
	Policies []SourceIntegrityGitPolicy `json:"policies"`
}

// SourceIntegrityGitPolicy is one rule for the repositories it selects.
type SourceIntegrityGitPolicy struct {
	Repos []SourceIntegrityGitPolicyRepo `json:"repos"`
	GPG   *SourceIntegrityGitPolicyGPG   `json:"gpg,omitempty"`
}

// SourceIntegrityGitPolicyRepo selects repositories by glob.
type SourceIntegrityGitPolicyRepo struct {
	URL string `json:"url"`
}

// SourceIntegrityGitPolicyGPG says how far signatures are checked.
type SourceIntegrityGitPolicyGPG struct {
	// +kubebuilder:validation:Enum=none;head;strict
	Mode string   `json:"mode"`
	Keys []string `json:"keys,omitempty"`
}

// ApplicationDestinationServiceAccount is who applies to a destination.
type ApplicationDestinationServiceAccount struct {
	Server                string `json:"server"`
	Namespace             string `json:"namespace,omitempty"`
	DefaultServiceAccount string `json:"defaultServiceAccount"`
}
