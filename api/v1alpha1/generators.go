package v1alpha1

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ApplicationSetGenerator is exactly one generator, and a selector over what
// it yields.
type ApplicationSetGenerator struct {
	List                    *ListGenerator        `json:"list,omitempty"`
	Clusters                *ClusterGenerator     `json:"clusters,omitempty"`
	Git                     *GitGenerator         `json:"git,omitempty"`
	SCMProvider             *SCMProviderGenerator `json:"scmProvider,omitempty"`
	ClusterDecisionResource *DuckTypeGenerator    `json:"clusterDecisionResource,omitempty"`
	PullRequest             *PullRequestGenerator `json:"pullRequest,omitempty"`
	Matrix                  *MatrixGenerator      `json:"matrix,omitempty"`
	Merge                   *MergeGenerator       `json:"merge,omitempty"`
	Plugin                  *PluginGenerator      `json:"plugin,omitempty"`
	Selector                *metav1.LabelSelector `json:"selector,omitempty"`
}

// ApplicationSetNestedGenerator is a generator inside matrix or merge. Those
// that nest once more are raw JSON, because a CRD cannot recurse.
type ApplicationSetNestedGenerator struct {
	List                    *ListGenerator        `json:"list,omitempty"`
	Clusters                *ClusterGenerator     `json:"clusters,omitempty"`
	Git                     *GitGenerator         `json:"git,omitempty"`
	SCMProvider             *SCMProviderGenerator `json:"scmProvider,omitempty"`
	ClusterDecisionResource *DuckTypeGenerator    `json:"clusterDecisionResource,omitempty"`
	PullRequest             *PullRequestGenerator `json:"pullRequest,omitempty"`
	Plugin                  *PluginGenerator      `json:"plugin,omitempty"`
	Matrix                  *apiextensionsv1.JSON `json:"matrix,omitempty"`
	Merge                   *apiextensionsv1.JSON `json:"merge,omitempty"`
	Selector                *metav1.LabelSelector `json:"selector,omitempty"`
}

// ListGenerator yields its elements.
type ListGenerator struct {
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Elements     []apiextensionsv1.JSON `json:"elements,omitempty"`
	ElementsYaml string                 `json:"elementsYaml,omitempty"`
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Template ApplicationSetTemplate `json:"template,omitzero"`
}

// ClusterGenerator yields the known clusters.
type ClusterGenerator struct {
	Selector metav1.LabelSelector `json:"selector,omitzero"`
	Values   map[string]string    `json:"values,omitempty"`
	// FlatList yields one set that holds all of them.
	FlatList bool `json:"flatList,omitempty"`
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Template ApplicationSetTemplate `json:"template,omitzero"`
}

// GitGenerator yields folders, or the content of files.
type GitGenerator struct {
	RepoURL             string             `json:"repoURL"`
	Revision            string             `json:"revision"`
	Directories         []GitDirectoryItem `json:"directories,omitempty"`
	Files               []GitFileItem      `json:"files,omitempty"`
	RequeueAfterSeconds *int64             `json:"requeueAfterSeconds,omitempty"`
	PathParamPrefix     string             `json:"pathParamPrefix,omitempty"`
	Values              map[string]string  `json:"values,omitempty"`
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Template ApplicationSetTemplate `json:"template,omitzero"`
}

// GitDirectoryItem is a glob over folders.
type GitDirectoryItem struct {
	Path    string `json:"path"`
	Exclude bool   `json:"exclude,omitempty"`
}

// GitFileItem is a glob over files.
type GitFileItem struct {
	Path    string `json:"path"`
	Exclude bool   `json:"exclude,omitempty"`
}

// MatrixGenerator yields the product of two or more generators, each filled
// with what those before it gave.
type MatrixGenerator struct {
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Generators []ApplicationSetNestedGenerator `json:"generators"`
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Template ApplicationSetTemplate `json:"template,omitzero"`
}

// MergeGenerator lays later generators over the first where the keys match.
type MergeGenerator struct {
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Generators []ApplicationSetNestedGenerator `json:"generators"`
	MergeKeys  []string                        `json:"mergeKeys"`
	// Join is left (the default): what the first generator gave, with what the
	// others have for the same keys. inner keeps what all of them have, outer
	// also what only later ones have.
	// +kubebuilder:validation:Enum=left;inner;outer
	Join string `json:"join,omitempty"`
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Template ApplicationSetTemplate `json:"template,omitzero"`
}

// DuckTypeGenerator yields the clusters that some other object decided on.
type DuckTypeGenerator struct {
	ConfigMapRef        string               `json:"configMapRef"`
	Name                string               `json:"name,omitempty"`
	RequeueAfterSeconds *int64               `json:"requeueAfterSeconds,omitempty"`
	LabelSelector       metav1.LabelSelector `json:"labelSelector,omitzero"`
	Values              map[string]string    `json:"values,omitempty"`
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Template ApplicationSetTemplate `json:"template,omitzero"`
}

// PluginGenerator asks an HTTP service for parameters.
type PluginGenerator struct {
	ConfigMapRef        PluginConfigMapRef `json:"configMapRef"`
	Input               PluginInput        `json:"input,omitzero"`
	RequeueAfterSeconds *int64             `json:"requeueAfterSeconds,omitempty"`
	Values              map[string]string  `json:"values,omitempty"`
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Template ApplicationSetTemplate `json:"template,omitzero"`
}

// PluginConfigMapRef names the plugin's ConfigMap.
type PluginConfigMapRef struct {
	Name string `json:"name"`
}

// PluginInput is sent to the plugin as it is.
type PluginInput struct {
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Parameters map[string]apiextensionsv1.JSON `json:"parameters,omitempty"`
}
