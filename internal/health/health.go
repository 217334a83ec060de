package health

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

// Status is the one word about an object, or about a set of them.
type Status string

// The closed set of statuses.
const (
	Healthy     Status = "Healthy"
	Suspended   Status = "Suspended"
	Progressing Status = "Progressing"
	Missing     Status = "Missing"
	Degraded    Status = "Degraded"
	Unknown     Status = "Unknown"
)

// severity lists the statuses from best to worst.
func severity() []Status {
	return []Status{Healthy, Suspended, Progressing, Missing, Degraded, Unknown}
}

// ignoreAnnotations take an object out of its application's health.
func ignoreAnnotations() []string {
	return []string{"trueup.dev/ignore-healthcheck", "argocd.argoproj.io/ignore-healthcheck"}
}

// Result is a status and, where it is not obvious, why.
type Result struct {
	Status  Status `json:"status"`
	Message string `json:"message,omitempty"`
}

// Of returns the health of a live object; nil is Missing.
func Of(u *unstructured.Unstructured) Result {
	if u == nil || len(u.Object) == 0 {
		return Result{Status: Missing}
	}
	if at := u.GetDeletionTimestamp(); at != nil {
		return Result{Progressing, "waiting for its deletion to finish"}
	}
	gk := u.GroupVersionKind().GroupKind()
	if r, done := notObserved(u, gk); done {
		return r
	}
	if rule, ok := ruleFor(gk); ok {
		if r, done := rule(view{u.Object}); done {
			return r
		}
	}
	return general(u)
}

// Ignored reports whether an object asks to be left out when the health of
// its application is computed.
func Ignored(u *unstructured.Unstructured) bool {
	if u == nil {
		return false
	}
	annotations := u.GetAnnotations()
	for _, name := range ignoreAnnotations() {
		if annotations[name] == "true" {
			return true
		}
	}
	return false
}

// Worst returns the worst of the results, and the first one where several are
// equally bad. Nothing at all is Healthy.
func Worst(results []Result) Result {
	worst := Result{Status: Healthy}
	for _, r := range results {
		if rank(r.Status) > rank(worst.Status) {
			worst = r
		}
	}
	return worst
}

// Compare orders statuses from best to worst.
func Compare(a, b Status) int { return cmp.Compare(rank(a), rank(b)) }

func rank(s Status) int {
	if i := slices.Index(severity(), s); i >= 0 {
		return i
	}
	return len(severity())
}

// notObserved catches the moment between the creation or change of a workload
// and its controller's first look at it, when the status is absent or old.
// Not every kind reports what it has observed, so an absent value only counts
// for the ones that are known to.
func notObserved(u *unstructured.Unstructured, gk schema.GroupKind) (Result, bool) {
	generation := u.GetGeneration()
	observed, found, err := unstructured.NestedInt64(u.Object, "status", "observedGeneration")
	if err != nil {
		return Result{}, false
	}
	if found && observed < generation {
		return Result{Progressing, fmt.Sprintf("generation %d is not observed yet, only %d", generation, observed)}, true
	}
	if !observes(gk) || (found && observed > 0) {
		return Result{}, false
	}
	return Result{Progressing, "its controller has not looked at it yet"}, true
}

func observes(gk schema.GroupKind) bool {
	if gk.Group == "policy" {
		return gk.Kind == "PodDisruptionBudget"
	}
	return gk.Group == "apps" &&
		slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"}, gk.Kind)
}

// general asks kstatus. It panics on shapes that no API server would store,
// so an object from a file never reaches more than its conditions.
func general(u *unstructured.Unstructured) (r Result) {
	defer func() {
		if p := recover(); p != nil {
			r = Result{Unknown, fmt.Sprintf("its status cannot be read: %v", p)}
		}
	}()
	computed, err := status.Compute(u)
	if err != nil {
		return Result{Unknown, "its status cannot be read: " + err.Error()}
	}
	switch computed.Status {
	case status.CurrentStatus:
		return Result{Status: Healthy}
	case status.InProgressStatus, status.TerminatingStatus:
		return Result{Progressing, computed.Message}
	case status.FailedStatus:
		return Result{Degraded, computed.Message}
	case status.NotFoundStatus:
		return Result{Missing, computed.Message}
	default:
		return Result{Unknown, computed.Message}
	}
}
