package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ApplicationSetStatus is what the agent last generated.
type ApplicationSetStatus struct {
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// Resources are the applications, the first MaxSetResources by name.
	Resources          []ResourceStatus `json:"resources,omitempty"`
	ResourcesCount     int64            `json:"resourcesCount,omitempty"`
	ObservedGeneration int64            `json:"observedGeneration,omitempty"`
	// ApplicationStatus is where a rolling sync has each application.
	ApplicationStatus []ApplicationSetApplicationStatus `json:"applicationStatus,omitempty"`
	Health            *HealthStatus                     `json:"health,omitempty"`
	// Generators are the last complete answers, for telling an empty answer
	// from one that was never anything else.
	Generators []GeneratorStatus `json:"generators,omitempty"`
	// Held are deletions that wait for a confirmation.
	Held *HeldDeletion `json:"held,omitempty"`
	// DeletionWindow is what deletions that nobody confirmed count against.
	DeletionWindow *DeletionWindow `json:"deletionWindow,omitempty"`
}

// MaxSetResources bounds the applications that a status lists.
const MaxSetResources = 5000

// MaxEmpty bounds the empty answers, and what answers lack, that the status of
// a generator lists.
const MaxEmpty = 1000

// ApplicationSetApplicationStatus is the place of one application in a rolling
// sync.
type ApplicationSetApplicationStatus struct {
	Application        string       `json:"application"`
	LastTransitionTime *metav1.Time `json:"lastTransitionTime,omitempty"`
	Message            string       `json:"message,omitempty"`
	// Status is Waiting, Pending, Progressing or Healthy.
	Status string `json:"status"`
	// Step counts from 1; -1 is in no step.
	Step            string   `json:"step"`
	TargetRevisions []string `json:"targetRevisions,omitempty"`
	// TargetDigest stands for the objects to sync and their cluster. Not in
	// Argo CD.
	TargetDigest string `json:"targetDigest,omitempty"`
	// Attempts are the syncs that were asked for, for this target. Not in Argo CD.
	Attempts int64 `json:"attempts,omitempty"`
}

// GeneratorStatus is what one generator gave when it last gave a complete
// answer.
type GeneratorStatus struct {
	// Path is its place in the document, as generators[0].matrix.generators[1].git.
	Path string `json:"path"`
	// ParameterSets is their number.
	ParameterSets int64 `json:"parameterSets"`
	// Empty are digests of the questions that it answered with nothing, of which
	// a matrix asks several; the first MaxEmpty.
	Empty []string `json:"empty,omitempty"`
	// Lacks are what the answer said that it has not, such as a cluster that is
	// not registered; the first MaxEmpty.
	Lacks []string `json:"lacks,omitempty"`
	// PullRequests are those that a pull request generator gave parameters for,
	// by repository; of the repositories that have none the first MaxEmpty. They
	// are told when the forge confirms that one is closed.
	PullRequests []RepositoryPullRequests `json:"pullRequests,omitempty"`
}

// RepositoryPullRequests are pull requests of one repository.
type RepositoryPullRequests struct {
	// Repository is the forge's address and the repository's path on it.
	Repository string `json:"repository"`
	// Numbers ascend.
	Numbers []int64 `json:"numbers,omitempty"`
}

// DeletionWindow is the time within which deletions that nobody confirmed are
// added up.
type DeletionWindow struct {
	// Since is when the first of them went.
	Since metav1.Time `json:"since"`
	// Applications is the largest number that the set had before one of them.
	Applications int64 `json:"applications"`
}

// HeldDeletion is a deletion that waits for a confirmation.
type HeldDeletion struct {
	// Digest names exactly these deletions: the annotation ConfirmDeletion with
	// this value lets them go ahead.
	Digest string `json:"digest"`
	Reason string `json:"reason"`
	// Applications are the first of those to delete, by name; Count is of all.
	Applications []string     `json:"applications,omitempty"`
	Count        int64        `json:"count"`
	Since        *metav1.Time `json:"since,omitempty"`
}

// ConfirmDeletion is the annotation of an ApplicationSet by which somebody
// confirms the held deletion whose digest it names.
const ConfirmDeletion = "trueup.dev/confirm-deletion"
