package health

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// rule decides about one kind. Where it has no opinion it returns false and
// the general rules apply.
type rule func(view) (Result, bool)

func ruleFor(gk schema.GroupKind) (rule, bool) {
	switch gk {
	case schema.GroupKind{Group: "apps", Kind: "Deployment"}:
		return deployment, true
	case schema.GroupKind{Group: "batch", Kind: "Job"}:
		return job, true
	case schema.GroupKind{Group: "batch", Kind: "CronJob"}:
		return cronJob, true
	case schema.GroupKind{Kind: "Pod"}:
		return pod, true
	case schema.GroupKind{Kind: "Service"}:
		return service, true
	case schema.GroupKind{Kind: "PersistentVolumeClaim"}:
		return claim, true
	case schema.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}:
		return autoscaler, true
	case schema.GroupKind{Group: "apiregistration.k8s.io", Kind: "APIService"}:
		return apiService, true
	}
	return nil, false
}

func deployment(v view) (Result, bool) {
	if v.flag("spec", "paused") {
		return Result{Suspended, "the rollout is paused"}, true
	}
	if c, ok := v.condition("ReplicaFailure"); ok && c.status == "True" {
		return Result{Degraded, c.text()}, true
	}
	return Result{}, false
}

// job differs from kstatus, which calls a Job that has merely started Current.
func job(v view) (Result, bool) {
	if c, ok := v.condition("Failed"); ok && c.status == "True" {
		return Result{Degraded, c.text()}, true
	}
	if c, ok := v.condition("Complete"); ok && c.status == "True" {
		return Result{Status: Healthy}, true
	}
	if v.flag("spec", "suspend") {
		return Result{Suspended, "the job is suspended"}, true
	}
	return Result{Progressing, "the job has not finished"}, true
}

func cronJob(v view) (Result, bool) {
	if v.flag("spec", "suspend") {
		return Result{Suspended, "the schedule is suspended"}, true
	}
	return Result{Status: Healthy}, true
}

func pod(v view) (Result, bool) {
	switch phase := v.text("status", "phase"); phase {
	case "Succeeded":
		return Result{Status: Healthy}, true
	case "Failed":
		message := v.text("status", "message")
		if message == "" {
			message = strings.TrimSpace("the pod failed " + v.text("status", "reason"))
		}
		return Result{Degraded, message}, true
	case "Pending", "Running":
		if stuck := v.stuckContainers(); len(stuck) > 0 {
			return Result{Degraded, strings.Join(stuck, "; ")}, true
		}
		if c, ok := v.condition("Ready"); ok && c.status == "True" && phase == "Running" {
			return Result{Status: Healthy}, true
		}
		if c, ok := v.condition("PodScheduled"); ok && c.status == "False" {
			return Result{Progressing, c.text()}, true
		}
		return Result{Progressing, "the pod is not ready"}, true
	case "Unknown":
		return Result{Unknown, "the node does not answer"}, true
	default:
		return Result{Progressing, "the pod is not started yet"}, true
	}
}

func service(v view) (Result, bool) {
	if v.text("spec", "type") == "LoadBalancer" && len(v.list("status", "loadBalancer", "ingress")) == 0 {
		return Result{Progressing, "the load balancer has no address yet"}, true
	}
	return Result{Status: Healthy}, true
}

// claim tells a lost volume, which needs a person, from one that is on its way.
func claim(v view) (Result, bool) {
	switch phase := v.text("status", "phase"); phase {
	case "Bound":
		return Result{Status: Healthy}, true
	case "Lost":
		return Result{Degraded, "the volume behind the claim is lost"}, true
	default:
		return Result{Progressing, "the claim is not bound"}, true
	}
}

// autoscaler treats only failures as bad: ScalingActive is also False when
// somebody scaled the target to 0 on purpose.
func autoscaler(v view) (Result, bool) {
	conditions := v.conditions()
	if len(conditions) == 0 {
		return Result{Progressing, "the autoscaler has not run yet"}, true
	}
	for _, c := range conditions {
		failed := strings.HasPrefix(c.reason, "Failed") || strings.HasPrefix(c.reason, "Invalid")
		if c.status == "False" && failed {
			return Result{Degraded, c.text()}, true
		}
	}
	return Result{Status: Healthy}, true
}

func apiService(v view) (Result, bool) {
	c, ok := v.condition("Available")
	switch {
	case ok && c.status == "True":
		return Result{Status: Healthy}, true
	case ok:
		return Result{Progressing, c.text()}, true
	default:
		return Result{Progressing, "availability is not known yet"}, true
	}
}

// view reads fields of an object whose shape nobody checked.
type view struct{ object map[string]any }

func (v view) text(path ...string) string {
	s, _, _ := unstructured.NestedString(v.object, path...)
	return s
}

func (v view) flag(path ...string) bool {
	b, _, _ := unstructured.NestedBool(v.object, path...)
	return b
}

func (v view) list(path ...string) []any {
	value, _, _ := unstructured.NestedFieldNoCopy(v.object, path...)
	items, _ := value.([]any)
	return items
}

type condition struct{ kind, status, reason, message string }

func (c condition) text() string {
	switch {
	case c.message != "" && c.reason != "":
		return c.reason + ": " + c.message
	case c.message != "":
		return c.message
	case c.reason != "":
		return c.reason
	}
	return fmt.Sprintf("%s is %s", c.kind, c.status)
}

func (v view) conditions() []condition {
	var out []condition
	for _, item := range v.list("status", "conditions") {
		fields, ok := item.(map[string]any)
		if !ok {
			continue
		}
		c := view{fields}
		out = append(out, condition{c.text("type"), c.text("status"), c.text("reason"), c.text("message")})
	}
	return out
}

func (v view) condition(kind string) (condition, bool) {
	all := v.conditions()
	i := slices.IndexFunc(all, func(c condition) bool { return c.kind == kind })
	if i < 0 {
		return condition{}, false
	}
	return all[i], true
}

// stuckContainers names the containers that wait for something that will not
// come by itself: a crash loop, an image that cannot be pulled, a broken
// configuration.
func (v view) stuckContainers() []string {
	var out []string
	for _, field := range []string{"initContainerStatuses", "containerStatuses"} {
		for _, item := range v.list("status", field) {
			fields, ok := item.(map[string]any)
			if !ok {
				continue
			}
			c := view{fields}
			reason := c.text("state", "waiting", "reason")
			if !strings.HasSuffix(reason, "BackOff") && !strings.HasSuffix(reason, "Error") &&
				!strings.HasPrefix(reason, "Err") && reason != "InvalidImageName" {
				continue
			}
			line := fmt.Sprintf("container %s: %s", c.text("name"), reason)
			if message := c.text("state", "waiting", "message"); message != "" {
				line += ": " + message
			}
			out = append(out, line)
		}
	}
	return out
}
