package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// ApplicationSet makes one application per set of parameters.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=appset;appsets
// +kubebuilder:printcolumn:name="Applications",type=integer,JSONPath=`.status.resourcesCount`
// +kubebuilder:printcolumn:name="Health",type=string,JSONPath=`.status.health.status`
// +kubebuilder:printcolumn:name="Held",type=integer,JSONPath=`.status.held.count`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ApplicationSet struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ApplicationSetSpec   `json:"spec"`
	Status ApplicationSetStatus `json:"status,omitzero"`

	// Malformed says what in a set of a cluster cannot be read, with its place:
	// Spec lacks that. It must be expanded by nobody. Empty is fine.
	Malformed string `json:"-"`
	// Unknown are the fields of a set of a cluster that mean nothing, as
	// spec.generators[0].list.template.nosuch: a schema keeps them where it
	// leaves templates and nested generators open.
	Unknown []string `json:"-"`
}

// ApplicationSetList is a list of application sets.
//
// +kubebuilder:object:root=true
type ApplicationSetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ApplicationSet `json:"items"`
}

// ApplicationSetSpec is generators and the template they fill.
type ApplicationSetSpec struct {
	// GoTemplate selects text/template; false is plain {{name}} replacement.
	GoTemplate        bool                      `json:"goTemplate,omitempty"`
	GoTemplateOptions []string                  `json:"goTemplateOptions,omitempty"`
	Generators        []ApplicationSetGenerator `json:"generators"`
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Template ApplicationSetTemplate `json:"template"`
	// TemplatePatch needs GoTemplate and cannot change spec.project.
	TemplatePatch                *string                           `json:"templatePatch,omitempty"`
	SyncPolicy                   *ApplicationSetSyncPolicy         `json:"syncPolicy,omitempty"`
	Strategy                     *ApplicationSetStrategy           `json:"strategy,omitempty"`
	PreservedFields              *ApplicationPreservedFields       `json:"preservedFields,omitempty"`
	IgnoreApplicationDifferences []ApplicationSetIgnoreDifferences `json:"ignoreApplicationDifferences,omitempty"`
	// ApplyNestedSelectors is read and has no effect: they always apply.
	ApplyNestedSelectors bool `json:"applyNestedSelectors,omitempty"`
	// YAMLVersion is how generators read yes, no, on and off: as booleans in
	// 1.1 (the default, as in Argo CD), as texts in 1.2.
	// +kubebuilder:validation:Enum="1.1";"1.2"
	YAMLVersion string `json:"yamlVersion,omitempty"`
}

// ApplicationSetTemplate is an application with placeholders.
type ApplicationSetTemplate struct {
	ApplicationSetTemplateMeta `json:"metadata"`
	Spec                       ApplicationSpec `json:"spec"`
}

// ApplicationSetTemplateMeta is the part of the metadata that is templated.
type ApplicationSetTemplateMeta struct {
	Name        string            `json:"name,omitempty"`
	Namespace   string            `json:"namespace,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Finalizers  []string          `json:"finalizers,omitempty"`
}

// ApplicationSetSyncPolicy says what may happen to generated applications.
type ApplicationSetSyncPolicy struct {
	// ApplicationsSync is sync when empty.
	// +kubebuilder:validation:Enum=sync;create-only;create-update;create-delete
	ApplicationsSync            *string `json:"applicationsSync,omitempty"`
	PreserveResourcesOnDeletion bool    `json:"preserveResourcesOnDeletion,omitempty"`
	// DeletionBudget bounds what one expansion deletes without a confirmation;
	// nil means the agent's.
	DeletionBudget *DeletionBudget `json:"deletionBudget,omitempty"`
}

// DeletionBudget is how many applications may go at once without anybody's
// confirmation: the larger of what its limits allow. More is held. A percentage
// of 100 never asks about deletions that are certain.
type DeletionBudget struct {
	// Count is a number of applications.
	// +kubebuilder:validation:Minimum=0
	Count *int32 `json:"count,omitempty"`
	// Percent is of the applications that the set has.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Percent *int32 `json:"percent,omitempty"`
}

// ApplicationSetStrategy orders changes over the generated applications.
type ApplicationSetStrategy struct {
	// Type is AllAtOnce (the default) or RollingSync.
	Type        string                         `json:"type,omitempty"`
	RollingSync *ApplicationSetRolloutStrategy `json:"rollingSync,omitempty"`
	// DeletionOrder is AllAtOnce (the default) or Reverse.
	DeletionOrder string `json:"deletionOrder,omitempty"`
}

// ApplicationSetRolloutStrategy is a list of steps.
type ApplicationSetRolloutStrategy struct {
	Steps []ApplicationSetRolloutStep `json:"steps,omitempty"`
}

// ApplicationSetRolloutStep selects applications by label.
type ApplicationSetRolloutStep struct {
	MatchExpressions []ApplicationMatchExpression `json:"matchExpressions,omitempty"`
	MaxUpdate        *intstr.IntOrString          `json:"maxUpdate,omitempty"`
}

// ApplicationMatchExpression has the operator In or NotIn.
type ApplicationMatchExpression struct {
	Key      string   `json:"key,omitempty"`
	Operator string   `json:"operator,omitempty"`
	Values   []string `json:"values,omitempty"`
}

// ApplicationPreservedFields are kept on generated applications.
type ApplicationPreservedFields struct {
	Annotations []string `json:"annotations,omitempty"`
	Labels      []string `json:"labels,omitempty"`
}

// ApplicationSetIgnoreDifferences are fields the set does not overwrite.
type ApplicationSetIgnoreDifferences struct {
	// Name limits it to one application.
	Name              string   `json:"name,omitempty"`
	JSONPointers      []string `json:"jsonPointers,omitempty"`
	JQPathExpressions []string `json:"jqPathExpressions,omitempty"`
}
