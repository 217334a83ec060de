package kube

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"golang.org/x/time/rate"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"

	"github.com/trueup-dev/trueup/drift"
	driftschema "github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/preview/live"
)

// Rehearsal has a cluster rehearse what a change asks of it, by dry runs. It
// implements live.Trials. Unlike Trials it says what the server refuses, and
// waits for its turn.
type Rehearsal struct {
	cluster *Cluster
	builtin *driftschema.Set
	tried   func(result string)
	pace    *rate.Limiter
	hooks   asked[struct{}, []hook]
	dry     asked[schema.GroupVersion, bool]
}

var _ live.Trials = (*Rehearsal)(nil)

// What one cluster is asked at most, by all previews together.
const (
	rehearsalsPerSecond = 20
	rehearsalsAtOnce    = 40
)

// NewRehearsal is one cluster's. Kinds that are not among the built-in ones are
// asked about only where their server knows dry runs. tried, where not nil, is
// told the result of each attempt.
func NewRehearsal(c *Cluster, builtin *driftschema.Set, tried func(result string)) *Rehearsal {
	r := &Rehearsal{cluster: c, builtin: builtin, tried: tried, pace: rate.NewLimiter(rehearsalsPerSecond, rehearsalsAtOnce)}
	r.hooks = asked[struct{}, []hook]{ask: c.webhooks, start: c.tracker.start, now: time.Now, patience: wakeTimeout}
	r.dry = asked[schema.GroupVersion, bool]{ask: c.knowsDryRuns, start: c.tracker.start, now: time.Now, patience: wakeTimeout}
	return r
}

// wakeTimeout is how long a cluster may take for its first answer.
const wakeTimeout = 10 * time.Second

// Live is what previews ask of a cluster. It returns once that has answered
// anything, or why it has not.
func Live(ctx context.Context, c *Cluster, schemas drift.Schemas, r *Rehearsal) (live.Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, wakeTimeout)
	defer cancel()
	if err := c.awake(ctx); err != nil {
		return live.Cluster{}, err
	}
	return live.Cluster{Objects: c, Kinds: c, Trials: r, Schemas: schemas}, nil
}

func (c *Cluster) awake(ctx context.Context) error {
	client, err := discovery.NewDiscoveryClientForConfigAndClient(c.config, c.http)
	if err != nil {
		return err
	}
	if err := client.RESTClient().Get().AbsPath("/version").Do(ctx).Error(); err != nil {
		return fmt.Errorf("ask cluster %s for its version: %w", c.name, classify(err))
	}
	return nil
}

// Apply implements live.Trials.
func (r *Rehearsal) Apply(ctx context.Context, u *unstructured.Unstructured) (live.Answer, error) {
	gvk := u.GroupVersionKind()
	answer, result, err := r.rehearse(ctx, gvk, []string{"CREATE", "UPDATE"}, func() (*unstructured.Unstructured, error) {
		resource, err := r.cluster.resource(gvk, u.GetNamespace())
		if err != nil {
			return nil, err
		}
		return resource.Apply(ctx, u.GetName(), u, metav1.ApplyOptions{FieldManager: object.FieldManager, Force: true, DryRun: []string{metav1.DryRunAll}})
	})
	r.tell(result)
	return answer, err
}

// Delete implements live.Trials.
func (r *Rehearsal) Delete(ctx context.Context, gvk schema.GroupVersionKind, key object.Key, uid string) (live.Answer, error) {
	answer, result, err := r.rehearse(ctx, gvk, []string{"DELETE"}, func() (*unstructured.Unstructured, error) {
		resource, err := r.cluster.resource(gvk, key.Namespace)
		if err != nil {
			return nil, err
		}
		id, policy := types.UID(uid), metav1.DeletePropagationBackground
		return nil, resource.Delete(ctx, key.Name, metav1.DeleteOptions{
			DryRun: []string{metav1.DryRunAll}, Preconditions: &metav1.Preconditions{UID: &id}, PropagationPolicy: &policy,
		})
	})
	r.tell(result)
	return answer, err
}

func (r *Rehearsal) tell(result string) {
	if r.tried != nil {
		r.tried(result)
	}
}

// rehearse makes a request where nothing can come of it.
func (r *Rehearsal) rehearse(ctx context.Context, gvk schema.GroupVersionKind, verbs []string, request func() (*unstructured.Unstructured, error)) (live.Answer, string, error) {
	mapping, err := r.cluster.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return live.Answer{}, TriedFailed, classify(err)
	}
	if err := r.safe(gvk, mapping.Resource.GroupResource(), verbs); err != nil {
		return live.Answer{}, TriedUnsafe, err
	}
	if err := r.pace.Wait(ctx); err != nil {
		return live.Answer{}, TriedLimited, fault.New(fault.Transient, "wait for the turn of cluster %s: %v", r.cluster.name, err)
	}
	stored, err := request()
	var status apierrors.APIStatus
	switch {
	case err == nil:
		return live.Answer{Stored: stored}, TriedOK, nil
	case errors.As(err, &status):
		refused := status.Status()
		return live.Answer{Refused: &refused}, TriedFailed, nil
	}
	return live.Answer{}, TriedFailed, classify(err)
}

// safe says why a dry run could do something all the same; nil where it
// cannot.
func (r *Rehearsal) safe(gvk schema.GroupVersionKind, resource schema.GroupResource, verbs []string) error {
	hooks, err := r.hooks.get(struct{}{}, hookAge)
	if err != nil || hooks == nil {
		return &live.Unsafe{Reason: fmt.Sprintf("whether webhooks have side effects is not known: %v", cmp.Or(err, errNotYet))}
	}
	for _, h := range hooks {
		if h.concerns(resource, verbs...) {
			return &live.Unsafe{Reason: "the webhook " + h.name + " may have side effects"}
		}
	}
	if r.builtin.Native(gvk.GroupKind()) {
		return nil
	}
	switch dry, err := r.dry.get(gvk.GroupVersion(), forever); {
	case err != nil:
		return &live.Unsafe{Reason: fmt.Sprintf("whether the server of %s knows dry runs is not known: %v", gvk.GroupVersion(), err)}
	case !dry:
		return &live.Unsafe{Reason: fmt.Sprintf("the server of %s does not say that it knows dry runs", gvk.GroupVersion())}
	}
	return nil
}

var errNotYet = errors.New("the cluster has not told yet")

// knowsDryRuns looks for the parameter in what the server of a group describes:
// an aggregated server that does not know it would make the change.
func (c *Cluster) knowsDryRuns(ctx context.Context, gv schema.GroupVersion, _ bool) (bool, error) {
	o := openAPI{cluster: c}
	data, err := o.get(ctx, &url.URL{Path: "/openapi/v3/" + pathOf(gv)}, maxDocument)
	if err != nil {
		return false, fmt.Errorf("read the OpenAPI document of %s from cluster %s: %w", gv, c.name, err)
	}
	return bytes.Contains(data, []byte(`"dryRun"`)), nil
}
