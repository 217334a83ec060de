package v1alpha1

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SyncStatusCode says whether the cluster equals Git.
type SyncStatusCode string

const (
	SyncStatusCodeSynced    SyncStatusCode = "Synced"
	SyncStatusCodeOutOfSync SyncStatusCode = "OutOfSync"
	SyncStatusCodeUnknown   SyncStatusCode = "Unknown"
)

// ApplicationStatus is what the agent last saw.
type ApplicationStatus struct {
	Sync           SyncStatus         `json:"sync,omitzero"`
	Health         HealthStatus       `json:"health,omitzero"`
	Drift          *DriftSummary      `json:"drift,omitempty"`
	Resources      []ResourceStatus   `json:"resources,omitempty"`
	Conditions     []metav1.Condition `json:"conditions,omitempty"`
	History        []RevisionHistory  `json:"history,omitempty"`
	OperationState *OperationState    `json:"operationState,omitempty"`
	// DryRunState is the dry run that ran last. The next sync takes it away.
	DryRunState *OperationState `json:"dryRunState,omitempty"`
	// ObservedGeneration is the generation of the spec this status is about.
	ObservedGeneration int64        `json:"observedGeneration,omitempty"`
	ReconciledAt       *metav1.Time `json:"reconciledAt,omitempty"`
	SourceType         string       `json:"sourceType,omitempty"`
	// SourceTypes are those of several sources.
	SourceTypes []string `json:"sourceTypes,omitempty"`
}

// SyncStatus is the comparison with one revision.
type SyncStatus struct {
	Status SyncStatusCode `json:"status,omitempty"`
	// Revision is the commit that the objects come from. It stays while later
	// commits describe the same objects.
	Revision string `json:"revision,omitempty"`
	// Revisions are those of several sources.
	Revisions []string `json:"revisions,omitempty"`
	// Digest stands for the objects. Not in Argo CD.
	Digest string `json:"digest,omitempty"`
}

// HealthStatus is the worst health of the objects.
type HealthStatus struct {
	Status             string       `json:"status,omitempty"`
	Message            string       `json:"message,omitempty"`
	LastTransitionTime *metav1.Time `json:"lastTransitionTime,omitempty"`
}

// DriftSummary counts what left Git, and lists the first of it.
type DriftSummary struct {
	Objects int `json:"objects"`
	Fields  int `json:"fields"`
	// Since is when the oldest drift that is still there was made.
	Since *metav1.Time `json:"since,omitempty"`
	// By lists the field managers that made it.
	By         []string     `json:"by,omitempty"`
	VerifiedAt *metav1.Time `json:"verifiedAt,omitempty"`
	// Rules tells what the rules did that say what may differ.
	Rules []IgnoreRuleStatus `json:"rules,omitempty"`
	// Orphaned is there where the project asks for it.
	Orphaned *OrphanedSummary `json:"orphaned,omitempty"`
	// Changes is bounded; the counts are not.
	// +kubebuilder:validation:MaxItems=100
	Changes []DriftChange `json:"changes,omitempty"`
	// Fights are differences that keep coming back, and that are not corrected
	// for a while.
	// +kubebuilder:validation:MaxItems=100
	Fights []DriftFight `json:"fights,omitempty"`
}

// DriftFight is a field that trueup and somebody else keep changing, or an
// object that somebody keeps deleting where Path is empty. It is left to the
// other until Until, and corrected again then.
type DriftFight struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Path      string `json:"path,omitempty"`
	// Desired is what trueup sets, Live what Manager does.
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Desired *apiextensionsv1.JSON `json:"desired,omitempty"`
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Live *apiextensionsv1.JSON `json:"live,omitempty"`
	// Manager is the other's name in managedFields; empty where nobody knows,
	// and trueup where the server itself changes what trueup sends.
	Manager string `json:"manager,omitempty"`
	// Corrections counts how often it was corrected before it was left.
	Corrections int64       `json:"corrections,omitempty"`
	Since       metav1.Time `json:"since"`
	Until       metav1.Time `json:"until"`
	// Rule is a part of spec, in YAML, that has the field expected to differ.
	Rule string `json:"rule,omitempty"`
}

// OrphanedSummary tells what is in the destination namespace and tracked by
// nobody. No sync touches it.
type OrphanedSummary struct {
	Count int `json:"count"`
	// Objects is bounded; the count is not.
	// +kubebuilder:validation:MaxItems=100
	Objects []OrphanedObject `json:"objects,omitempty"`
	// Unlisted says what could not be looked at.
	Unlisted []string `json:"unlisted,omitempty"`
	// ListedAt is when the namespace was last looked through.
	ListedAt *metav1.Time `json:"listedAt,omitempty"`
}

// OrphanedObject names an object that nobody tracks.
type OrphanedObject struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// IgnoreRuleStatus is what one rule did to the objects of the application.
type IgnoreRuleStatus struct {
	// Name is the rule's place, such as ignoreDifferences[2], annotation or
	// global/apps_Deployment.
	Name string `json:"name"`
	// Objects that the rule selects, Places that it names in them, and Fields
	// that differ there and are expected because of it.
	Objects int `json:"objects"`
	Places  int `json:"places"`
	Fields  int `json:"fields"`
	// Message says what is odd about it: it matches nothing, it leaves nothing
	// to compare, or it cannot be applied to an object.
	Message string `json:"message,omitempty"`
}

// DriftChange is one field, or one whole object when Path is empty.
type DriftChange struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Path      string `json:"path,omitempty"`
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Desired *apiextensionsv1.JSON `json:"desired,omitempty"`
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Live      *apiextensionsv1.JSON `json:"live,omitempty"`
	Class     string                `json:"class,omitempty"`
	Manager   string                `json:"manager,omitempty"`
	Operation string                `json:"operation,omitempty"`
	// Subresource is the one through which the manager wrote, such as scale.
	Subresource string       `json:"subresource,omitempty"`
	Time        *metav1.Time `json:"time,omitempty"`
	// Who made the difference, as audit events tell; empty where they do not.
	DriftActor `json:",inline"`
	// OneOf lists those one of whom made it, where audit events leave several.
	// +kubebuilder:validation:MaxItems=5
	OneOf []DriftActor `json:"oneOf,omitempty"`
	// Trace is what is known of a value that has no owner.
	Trace *DriftTrace `json:"trace,omitempty"`
	// FoundAt is when the agent first saw the difference, Time when its hand
	// made it, as far as that is known.
	FoundAt *metav1.Time `json:"foundAt,omitempty"`
	// DeclaredBy is where Git declares the desired value, and who touched that
	// last, as soon as that is known.
	DeclaredBy *DriftDeclaration `json:"declaredBy,omitempty"`
}

// DriftDeclaration is where Git declares a value, and the last commit that
// touched that.
type DriftDeclaration struct {
	// Repository is where File is, where that is not the application's own
	// source.
	Repository string `json:"repository,omitempty"`
	File       string `json:"file"`
	Line       int    `json:"line,omitempty"`
	// Precision is line where the line declares the very value, object where
	// the object's description begins there, file where nothing but the file is
	// known. For the latter two the commit is the last that changed the file.
	Precision string `json:"precision"`
	// Commit, Author, Subject and Time are those of the commit, as it names
	// them itself.
	Commit  string       `json:"commit,omitempty"`
	Author  string       `json:"author,omitempty"`
	Subject string       `json:"subject,omitempty"`
	Time    *metav1.Time `json:"time,omitempty"`
	// Older says that the history is not known that far back: Time is that of
	// the oldest commit that was seen.
	Older bool `json:"older,omitempty"`
}

// DriftActor is who sent a request to a cluster.
type DriftActor struct {
	User string `json:"user,omitempty"`
	// Impersonator is who acted as User.
	Impersonator string `json:"impersonator,omitempty"`
	// Address is the other end of the connection; of several requests, those of
	// each. ForwardedFor is what it says to speak for.
	Address      string `json:"address,omitempty"`
	ForwardedFor string `json:"forwardedFor,omitempty"`
	UserAgent    string `json:"userAgent,omitempty"`
	// Client is the field manager of the request.
	Client string `json:"client,omitempty"`
	// At is when the API server received it.
	At *metav1.Time `json:"at,omitempty"`
}

// DriftTrace is when a value was changed or removed, and who wrote then.
type DriftTrace struct {
	After    *metav1.Time `json:"after,omitempty"`
	Before   *metav1.Time `json:"before,omitempty"`
	Managers []string     `json:"managers,omitempty"`
}

// ResourceStatus is one object of the application.
type ResourceStatus struct {
	Group     string         `json:"group,omitempty"`
	Version   string         `json:"version,omitempty"`
	Kind      string         `json:"kind"`
	Namespace string         `json:"namespace,omitempty"`
	Name      string         `json:"name"`
	Status    SyncStatusCode `json:"status,omitempty"`
	Health    string         `json:"health,omitempty"`
	Message   string         `json:"message,omitempty"`
	// Origin is the file and line that describe it. Not in Argo CD.
	Origin string `json:"origin,omitempty"`
}

// RevisionHistory is one finished sync, newest last.
type RevisionHistory struct {
	ID          int64              `json:"id"`
	Revision    string             `json:"revision,omitempty"`
	Revisions   []string           `json:"revisions,omitempty"`
	DeployedAt  metav1.Time        `json:"deployedAt"`
	InitiatedBy OperationInitiator `json:"initiatedBy,omitzero"`
}

// OperationState is the sync, or the dry run, that runs or ran last.
type OperationState struct {
	// Phase is Running, Succeeded, Failed or Error.
	Phase      string               `json:"phase"`
	Message    string               `json:"message,omitempty"`
	StartedAt  metav1.Time          `json:"startedAt"`
	FinishedAt *metav1.Time         `json:"finishedAt,omitempty"`
	SyncResult *SyncOperationResult `json:"syncResult,omitempty"`
}

// SyncOperationResult is what a sync did.
type SyncOperationResult struct {
	Revision  string           `json:"revision,omitempty"`
	Revisions []string         `json:"revisions,omitempty"`
	Digest    string           `json:"digest,omitempty"`
	Resources []ResourceResult `json:"resources,omitempty"`
	// Drifted says that only what somebody else changed was put back; Digest is
	// that of the sync before then. Not in Argo CD.
	Drifted bool `json:"drifted,omitempty"`
}

// ResourceResult is what a sync did to one object.
type ResourceResult struct {
	Group     string `json:"group,omitempty"`
	Version   string `json:"version,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Status    string `json:"status,omitempty"`
	Message   string `json:"message,omitempty"`
	// Fields tells what became of drifted fields. Not in Argo CD.
	Fields []FieldResult `json:"fields,omitempty"`
}

// FieldResult is what a sync did to one field that somebody else changed.
type FieldResult struct {
	Path string `json:"path"`
	// Status is Reverted, Removed, Refused where the server does not let it go,
	// NotConverged where it differs all the same, or Planned by a dry run.
	Status  string `json:"status"`
	Message string `json:"message,omitempty"`
}
