package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Application says which part of a repository a cluster is to equal.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=app;apps
// +kubebuilder:printcolumn:name="Sync",type=string,JSONPath=`.status.sync.status`
// +kubebuilder:printcolumn:name="Health",type=string,JSONPath=`.status.health.status`
// +kubebuilder:printcolumn:name="Drift",type=integer,JSONPath=`.status.drift.fields`
// +kubebuilder:printcolumn:name="Revision",type=string,JSONPath=`.status.sync.revision`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Application struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ApplicationSpec   `json:"spec"`
	Status ApplicationStatus `json:"status,omitzero"`
	// Operation asks for one sync, now; the agent clears it once it has begun.
	Operation *Operation `json:"operation,omitempty"`
}

// ApplicationList is a list of applications.
//
// +kubebuilder:object:root=true
type ApplicationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Application `json:"items"`
}

// ApplicationSpec is the desired state: what, where and how.
//
// +kubebuilder:validation:XValidation:rule="has(self.source) || (has(self.sources) && size(self.sources) > 0) || has(self.sourceHydrator)",message="one of source, sources and sourceHydrator is required"
type ApplicationSpec struct {
	// Project that limits the application; empty means "default".
	Project string `json:"project,omitempty"`
	// Source of the manifests; ignored when Sources is set.
	Source         *ApplicationSource  `json:"source,omitempty"`
	Sources        []ApplicationSource `json:"sources,omitempty"`
	SourceHydrator *SourceHydrator     `json:"sourceHydrator,omitempty"`
	// +kubebuilder:validation:XValidation:rule="!(has(self.server) && size(self.server) > 0 && has(self.name) && size(self.name) > 0)",message="server and name exclude each other"
	Destination ApplicationDestination `json:"destination"`
	SyncPolicy  *SyncPolicy            `json:"syncPolicy,omitempty"`
	// IgnoreDifferences names fields that are expected to differ. A sync still
	// applies them, unless the option RespectIgnoreDifferences=true is given.
	IgnoreDifferences []ResourceIgnoreDifferences `json:"ignoreDifferences,omitempty"`
	Info              []Info                      `json:"info,omitempty"`
	// RevisionHistoryLimit bounds status.history; nil means 10, 0 keeps none.
	RevisionHistoryLimit *int64 `json:"revisionHistoryLimit,omitempty"`

	// Drift says what to do about fields that left Git. Not in Argo CD.
	Drift *DriftPolicy `json:"drift,omitempty"`
	// DependsOn names applications of the same namespace that must be synced
	// and healthy before this one syncs. Not in Argo CD.
	DependsOn []string `json:"dependsOn,omitempty"`
}

// AllSources returns the sources to render: Sources when there are any, else
// Source alone, else none. They are the spec's own.
func (s *ApplicationSpec) AllSources() []ApplicationSource {
	if len(s.Sources) == 0 && s.Source != nil {
		return []ApplicationSource{*s.Source}
	}
	return s.Sources
}

// GetSource returns the source to render: the first of Sources when there are
// any, else Source, else nil.
func (s *ApplicationSpec) GetSource() *ApplicationSource {
	if len(s.Sources) > 0 {
		return &s.Sources[0]
	}
	return s.Source
}

// ApplicationDestination is a cluster, by URL or by name, and a namespace.
type ApplicationDestination struct {
	Server string `json:"server,omitempty"`
	// Namespace is given to namespaced objects that have none.
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
}

// Info is free text shown beside the application.
type Info struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ResourceIgnoreDifferences selects objects, and fields of them that are
// expected to differ.
type ResourceIgnoreDifferences struct {
	// Group and Kind are globs; an empty group is the core group.
	Group             string   `json:"group,omitempty"`
	Kind              string   `json:"kind"`
	Name              string   `json:"name,omitempty"`
	Namespace         string   `json:"namespace,omitempty"`
	JSONPointers      []string `json:"jsonPointers,omitempty"`
	JQPathExpressions []string `json:"jqPathExpressions,omitempty"`
	// ManagedFieldsManagers own the fields that may differ.
	ManagedFieldsManagers []string `json:"managedFieldsManagers,omitempty"`
	// Paths are written as reports print them, such as
	// spec.template.spec.containers[name=web].image, where * and [*] are any
	// key and any item. Not in Argo CD.
	Paths []string `json:"paths,omitempty"`
	// When is a CEL expression that must hold for a difference: desired, live,
	// path, manager, operation and object may be used, such as live <= 10.
	// Not in Argo CD.
	When string `json:"when,omitempty"`
}

// DriftPolicy says what to do about fields that left Git.
type DriftPolicy struct {
	// Action is what to do about drift without being asked: revert it, also
	// where automated sync is off, or only report it, also with self-heal. Empty
	// is as self-heal says.
	// +kubebuilder:validation:Enum=report;revert
	Action string `json:"action,omitempty"`
	// Undeclared is what a sync does about fields that Git does not mention and
	// that somebody else than a known controller added: report (the default) or
	// remove.
	// +kubebuilder:validation:Enum=report;remove
	Undeclared string `json:"undeclared,omitempty"`
	// Accept lists drift that is tolerated until a date.
	Accept []DriftAcceptance `json:"accept,omitempty"`
}

// DriftAcceptance tolerates drift of one field until a date.
type DriftAcceptance struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	// Path of the field, such as spec.replicas, as reports print it.
	Path string `json:"path"`
	// Until then the difference is expected, and syncs leave it alone.
	Until  metav1.Time `json:"until"`
	Reason string      `json:"reason,omitempty"`
}
