package kube

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile"
)

// Trials ask a cluster what applying an object would give, without applying
// it: a server-side dry run, as our own manager. It implements
// reconcile.Trials.
type Trials struct {
	cluster *Cluster
	tried   func(result string)
	pace    *rate.Limiter
	hooks   asked[struct{}, []hook]
}

var _ reconcile.Trials = (*Trials)(nil)

// What one cluster is asked at most.
const (
	trialsPerSecond = 5
	trialsAtOnce    = 20
	trialTimeout    = 10 * time.Second
	hookAge         = time.Minute
)

// The results of a dry run, as metrics have them.
const (
	TriedOK      = "ok"      // the server answered
	TriedFailed  = "failed"  // it did not, or refused the object
	TriedUnsafe  = "unsafe"  // webhooks may have side effects: it was not asked
	TriedLimited = "limited" // it was asked too much just before
)

// NewTrials is one cluster's. tried is told the result of each attempt.
func NewTrials(c *Cluster, tried func(result string)) *Trials {
	t := &Trials{cluster: c, tried: tried, pace: rate.NewLimiter(trialsPerSecond, trialsAtOnce)}
	t.hooks = asked[struct{}, []hook]{ask: c.webhooks, start: c.tracker.start, now: time.Now}
	return t
}

// Try implements reconcile.Trials.
func (t *Trials) Try(ctx context.Context, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	stored, result, err := t.try(ctx, u)
	if t.tried != nil {
		t.tried(result)
	}
	return stored, err
}

func (t *Trials) try(ctx context.Context, u *unstructured.Unstructured) (*unstructured.Unstructured, string, error) {
	mapping, err := t.cluster.mapper.RESTMapping(u.GroupVersionKind().GroupKind(), u.GroupVersionKind().Version)
	if err != nil {
		return nil, TriedFailed, classify(err)
	}
	hooks, err := t.hooks.get(struct{}{}, hookAge)
	if err != nil || hooks == nil {
		err = cmp.Or(err, errNotYet)
		return nil, TriedUnsafe, fault.New(fault.Of(err), "whether webhooks have side effects is not known: %v", err)
	}
	for _, h := range hooks {
		if h.concerns(mapping.Resource.GroupResource(), "CREATE", "UPDATE") {
			return nil, TriedUnsafe, fault.New(fault.Denied, "the webhook %s may have side effects", h.name)
		}
	}
	if !t.pace.Allow() {
		return nil, TriedLimited, fault.New(fault.Transient, "cluster %s was asked %d times just before", t.cluster.name, trialsAtOnce)
	}
	ctx, cancel := context.WithTimeout(ctx, trialTimeout)
	defer cancel()
	resource, err := t.cluster.resource(u.GroupVersionKind(), u.GetNamespace())
	if err != nil {
		return nil, TriedFailed, err
	}
	stored, err := resource.Apply(ctx, u.GetName(), u, metav1.ApplyOptions{FieldManager: object.FieldManager, Force: true, DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return nil, TriedFailed, withoutValues(u, classify(err))
	}
	return stored, TriedOK, nil
}

// hook is a webhook that may do more than it answers.
type hook struct {
	name  string
	rules []hookRule
}

type hookRule struct{ operations, groups, resources []string }

// concerns reports a webhook that may be called when one of some operations is
// done to an object of the resource. Selectors and versions are not looked at: they could change
// between the question and the call, and another version of the resource may
// be converted for the webhook.
func (h hook) concerns(r schema.GroupResource, operations ...string) bool {
	return slices.ContainsFunc(h.rules, func(rule hookRule) bool {
		does := slices.ContainsFunc(operations, func(o string) bool { return slices.Contains(rule.operations, o) })
		return (does || slices.Contains(rule.operations, "*")) && names(rule.groups, r.Group) && names(rule.resources, r.Resource)
	})
}

// names reports a list that names something, or everything. Resources may be
// named with their subresources, as */*.
func names(list []string, name string) bool {
	return slices.ContainsFunc(list, func(item string) bool {
		item, sub, _ := strings.Cut(item, "/")
		return (item == "*" || item == name) && (sub == "" || sub == "*")
	})
}

// webhooks lists those that may have side effects, of both sorts.
func (c *Cluster) webhooks(ctx context.Context, _ struct{}, _ []hook) ([]hook, error) {
	out := []hook{} // nil is not known
	for _, resource := range []string{"mutatingwebhookconfigurations", "validatingwebhookconfigurations"} {
		gvr := schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: resource}
		list, err := c.objects.Resource(gvr).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("list %s of cluster %s: %w", resource, c.name, classify(err))
		}
		for i := range list.Items {
			out = append(out, hooksOf(&list.Items[i])...)
		}
	}
	return out, nil
}

// hooksOf reads the webhooks of a configuration that may have side effects.
func hooksOf(configuration *unstructured.Unstructured) []hook {
	all, _, _ := unstructured.NestedSlice(configuration.Object, "webhooks")
	var out []hook
	for _, item := range all {
		w, _ := item.(map[string]any)
		switch w["sideEffects"] {
		case "None", "NoneOnDryRun":
			continue
		}
		name, _, _ := unstructured.NestedString(w, "name")
		h := hook{name: name}
		rules, _, _ := unstructured.NestedSlice(w, "rules")
		for _, r := range rules {
			rule, _ := r.(map[string]any)
			operations, _, _ := unstructured.NestedStringSlice(rule, "operations")
			groups, _, _ := unstructured.NestedStringSlice(rule, "apiGroups")
			resources, _, _ := unstructured.NestedStringSlice(rule, "resources")
			h.rules = append(h.rules, hookRule{operations, groups, resources})
		}
		out = append(out, h)
	}
	return out
}
