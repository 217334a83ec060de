package health

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	return u
}

const (
	deploymentHead = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, generation: 2}, "
	jobHead        = "{apiVersion: batch/v1, kind: Job, metadata: {name: migrate}, "
	podHead        = "{apiVersion: v1, kind: Pod, metadata: {name: web-0}, "
	serviceHead    = "{apiVersion: v1, kind: Service, metadata: {name: web}, "
	hpaHead        = "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web}, "
)

func TestOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		reason string
		object string
		want   Result
	}{
		{
			"a Deployment with all replicas available is healthy",
			deploymentHead + `spec: {replicas: 1}, status: {observedGeneration: 2, replicas: 1, updatedReplicas: 1,
			  readyReplicas: 1, availableReplicas: 1, conditions: [{type: Available, status: "True"},
			  {type: Progressing, status: "True", reason: NewReplicaSetAvailable}]}}`,
			Result{Status: Healthy},
		},
		{
			"a Deployment scaled to nothing is not healthy before its controller has seen it",
			deploymentHead + `spec: {replicas: 0}}`,
			Result{Progressing, "its controller has not looked at it yet"},
		},
		{
			"observedGeneration 0 is the same as none",
			deploymentHead + `spec: {replicas: 0}, status: {observedGeneration: 0}}`,
			Result{Progressing, "generation 2 is not observed yet, only 0"},
		},
		{
			"an old status says nothing about the new spec",
			deploymentHead + `spec: {replicas: 1}, status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1,
			  readyReplicas: 1, availableReplicas: 1}}`,
			Result{Progressing, "generation 2 is not observed yet, only 1"},
		},
		{
			"a StatefulSet with OnDelete is not healthy before its controller has seen it",
			`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, generation: 1}, spec: {updateStrategy: {type: OnDelete}}}`,
			Result{Progressing, "its controller has not looked at it yet"},
		},
		{
			"a paused Deployment is suspended",
			deploymentHead + `spec: {paused: true}, status: {observedGeneration: 2}}`,
			Result{Suspended, "the rollout is paused"},
		},
		{
			"a Deployment past its deadline is degraded",
			deploymentHead + `spec: {replicas: 1}, status: {observedGeneration: 2, replicas: 1, updatedReplicas: 1,
			  conditions: [{type: Progressing, status: "False", reason: ProgressDeadlineExceeded}]}}`,
			Result{Degraded, "Progress deadline exceeded"},
		},
		{
			"a Deployment that may not create pods is degraded before its deadline",
			deploymentHead + `spec: {replicas: 1}, status: {observedGeneration: 2,
			  conditions: [{type: ReplicaFailure, status: "True", reason: FailedCreate, message: exceeded quota}]}}`,
			Result{Degraded, "FailedCreate: exceeded quota"},
		},
		{
			"a Job that has only started is not done",
			jobHead + `status: {startTime: "2026-01-01T00:00:00Z", active: 1}}`,
			Result{Progressing, "the job has not finished"},
		},
		{
			"a suspended Job is suspended",
			jobHead + `spec: {suspend: true}}`,
			Result{Suspended, "the job is suspended"},
		},
		{
			"a complete Job is healthy, also when it is suspended afterwards",
			jobHead + `spec: {suspend: true}, status: {conditions: [{type: Complete, status: "True"}]}}`,
			Result{Status: Healthy},
		},
		{
			"a failed Job says why",
			jobHead + `status: {conditions: [{type: Failed, status: "True", reason: BackoffLimitExceeded, message: too many retries}]}}`,
			Result{Degraded, "BackoffLimitExceeded: too many retries"},
		},
		{
			"a suspended CronJob is suspended",
			`{apiVersion: batch/v1, kind: CronJob, metadata: {name: report}, spec: {suspend: true}}`,
			Result{Suspended, "the schedule is suspended"},
		},
		{
			"a Pod that failed has completed, but is not fine",
			podHead + `status: {phase: Failed, reason: Evicted}}`,
			Result{Degraded, "the pod failed Evicted"},
		},
		{
			"a Pod in a crash loop is degraded although it is Running",
			podHead + `status: {phase: Running, containerStatuses: [{name: web, state: {waiting:
			  {reason: CrashLoopBackOff, message: back-off 5m0s}}}]}}`,
			Result{Degraded, "container web: CrashLoopBackOff: back-off 5m0s"},
		},
		{
			"an image that cannot be pulled degrades a pending Pod",
			podHead + `status: {phase: Pending, containerStatuses: [{name: web, state: {waiting: {reason: ImagePullBackOff}}}]}}`,
			Result{Degraded, "container web: ImagePullBackOff"},
		},
		{
			"a Pod waits for a node",
			podHead + `status: {phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, message: 0/3 nodes}]}}`,
			Result{Progressing, "Unschedulable: 0/3 nodes"},
		},
		{
			"a load balancer without an address is on its way",
			serviceHead + `spec: {type: LoadBalancer, clusterIP: 10.0.0.1}}`,
			Result{Progressing, "the load balancer has no address yet"},
		},
		{
			"a load balancer with an address is healthy",
			serviceHead + `spec: {type: LoadBalancer}, status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}}`,
			Result{Status: Healthy},
		},
		{"a plain Service is healthy", serviceHead + `spec: {}}`, Result{Status: Healthy}},
		{
			"a claim whose volume is lost needs a person",
			`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, status: {phase: Lost}}`,
			Result{Degraded, "the volume behind the claim is lost"},
		},
		{
			"an autoscaler that cannot read metrics is degraded",
			hpaHead + `status: {conditions: [{type: AbleToScale, status: "True"},
			  {type: ScalingActive, status: "False", reason: FailedGetResourceMetric, message: no metrics}]}}`,
			Result{Degraded, "FailedGetResourceMetric: no metrics"},
		},
		{
			"an autoscaler of a target scaled to 0 is fine",
			hpaHead + `status: {conditions: [{type: ScalingActive, status: "False", reason: ScalingDisabled}]}}`,
			Result{Status: Healthy},
		},
		{
			"a custom resource that is not Ready is on its way",
			`{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}, status: {conditions: [{type: Ready, status: "False", message: wiring}]}}`,
			Result{Progressing, "wiring"},
		},
		{
			"a custom resource that gave up is degraded",
			`{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}, status: {conditions: [{type: Stalled, status: "True", message: no such color}]}}`,
			Result{Degraded, "no such color"},
		},
		{
			"an object on its way out is progressing",
			`{apiVersion: v1, kind: ConfigMap, metadata: {name: c, deletionTimestamp: "2026-01-01T00:00:00Z"}}`,
			Result{Progressing, "waiting for its deletion to finish"},
		},
		{"an object without a status is healthy by being there", `{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}`, Result{Status: Healthy}},
	}
	for _, tc := range tests {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, Of(parse(t, tc.object))); diff != "" {
				t.Errorf("Of (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOfNothingIsMissing(t *testing.T) {
	t.Parallel()
	if got := Of(nil).Status; got != Missing {
		t.Errorf("Of(nil) = %s", got)
	}
}

func TestWorst(t *testing.T) {
	t.Parallel()
	tests := []struct {
		reason string
		in     []Status
		want   Status
	}{
		{"an application without objects is healthy", nil, Healthy},
		{"suspended is worse than healthy", []Status{Healthy, Suspended}, Suspended},
		{"progressing is worse than suspended", []Status{Progressing, Suspended}, Progressing},
		{"missing is worse than progressing", []Status{Missing, Progressing}, Missing},
		{"degraded is worse than missing", []Status{Missing, Degraded}, Degraded},
		{"not knowing is the worst", []Status{Unknown, Degraded, Healthy}, Unknown},
	}
	for _, tc := range tests {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			var results []Result
			for _, s := range tc.in {
				results = append(results, Result{Status: s})
			}
			if got := Worst(results).Status; got != tc.want {
				t.Errorf("Worst = %s, want %s", got, tc.want)
			}
		})
	}
}

func TestWorstKeepsTheFirstReason(t *testing.T) {
	t.Parallel()
	got := Worst([]Result{{Status: Healthy}, {Degraded, "first"}, {Degraded, "second"}})
	if got.Message != "first" {
		t.Errorf("Worst = %+v", got)
	}
}

func TestIgnored(t *testing.T) {
	t.Parallel()
	u := parse(t, `{apiVersion: v1, kind: Pod, metadata: {name: p, annotations: {argocd.argoproj.io/ignore-healthcheck: "true"}}}`)
	if !Ignored(u) {
		t.Error("the annotation is not honoured")
	}
	if Ignored(parse(t, `{apiVersion: v1, kind: Pod, metadata: {name: p}}`)) || Ignored(nil) {
		t.Error("an object without the annotation is ignored")
	}
}

// FuzzOf holds that no status, however odd, stops the agent.
func FuzzOf(f *testing.F) {
	f.Add("apps/v1", "Deployment", `{"conditions":[{"type":"Ready"}]}`)
	f.Add("v1", "Pod", `{"phase":"Running","containerStatuses":["x",{"state":1}]}`)
	f.Add("batch/v1", "Job", `{"conditions":7}`)
	f.Add("apps/v1", "StatefulSet", `{"observedGeneration":"1","replicas":{}}`)
	f.Add("apiextensions.k8s.io/v1", "CustomResourceDefinition", `[]`)
	f.Fuzz(func(t *testing.T, apiVersion, kind, status string) {
		var value any
		if json.Unmarshal([]byte(status), &value) != nil {
			return
		}
		r := Of(&unstructured.Unstructured{Object: map[string]any{
			"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": "x"}, "status": value,
		}})
		if rank(r.Status) == len(severity()) {
			t.Errorf("%q is not one of the statuses", r.Status)
		}
	})
}
