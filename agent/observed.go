package agent

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile"
)

// costs counts what destinations are asked.
type costs struct {
	reads, comparisons, requests *prometheus.CounterVec
}

func newCosts() costs {
	return costs{
		reads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trueup_live_reads_total", Help: "Live objects that were read one by one, by cluster.",
		}, []string{"cluster"}),
		comparisons: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trueup_comparisons_total", Help: "Objects that were compared with Git, by cluster.",
		}, []string{"cluster"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trueup_cluster_requests_total", Help: "Requests to a destination cluster by verb: get, list, watch, create, update, patch, delete, discover, other.",
		}, []string{"cluster", "verb"}),
	}
}

// compared counts objects of a cluster that are compared.
func (c costs) compared(cluster string, objects int) {
	c.comparisons.WithLabelValues(cluster).Add(float64(objects))
}

// counting is a config whose requests to a cluster are counted.
func (c costs) counting(cluster string, config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return counted{next, func(verb string) { c.requests.WithLabelValues(cluster, verb).Inc() }}
	})
	return config
}

// counted counts requests.
type counted struct {
	next  http.RoundTripper
	count func(verb string)
}

// RoundTrip implements http.RoundTripper.
func (c counted) RoundTrip(req *http.Request) (*http.Response, error) {
	c.count(verbOf(req))
	return c.next.RoundTrip(req)
}

// verbOf is the Kubernetes verb of a request.
func verbOf(req *http.Request) string {
	parts := strings.Split(strings.Trim(req.URL.Path, "/"), "/")
	switch {
	case len(parts) > 0 && parts[0] == "api":
		parts = parts[min(2, len(parts)):]
	case len(parts) > 0 && parts[0] == "apis":
		parts = parts[min(3, len(parts)):]
	default:
		return "discover"
	}
	if len(parts) > 2 && parts[0] == "namespaces" {
		parts = parts[2:]
	}
	switch {
	case len(parts) == 0:
		return "discover"
	case req.Method == http.MethodGet && req.URL.Query().Get("watch") != "":
		return "watch"
	case req.Method == http.MethodGet && len(parts) == 1:
		return "list"
	}
	verbs := map[string]string{
		http.MethodGet: "get", http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete",
	}
	if verb, ok := verbs[req.Method]; ok {
		return verb
	}
	return "other"
}

// observed is a cluster whose reads are counted, and which does not answer
// for what nobody has told it of for too long.
type observed struct {
	*kube.Cluster
	name  string
	reads prometheus.Counter
	// patience is how long a watch may be broken; 0 is for ever.
	patience time.Duration
}

var _ reconcile.Objects = observed{}

// Get implements reconcile.Objects.
func (o observed) Get(ctx context.Context, gvk schema.GroupVersionKind, key object.Key) (*unstructured.Unstructured, error) {
	o.reads.Inc()
	return o.Cluster.Get(ctx, gvk, key)
}

// Owned implements reconcile.Objects. Where the watch of one of the kinds has
// been broken for longer than patience, the objects may be other than is
// known: then it is a reconcile.Unreachable, or a reconcile.Unwatched where the
// server refuses that kind alone.
func (o observed) Owned(ctx context.Context, app string, kinds []schema.GroupVersionKind) ([]reconcile.Owned, error) {
	now, asked := time.Now(), map[schema.GroupKind]bool{}
	for _, kind := range kinds {
		asked[kind.GroupKind()] = true
	}
	var blind []error
	for _, b := range o.Broken() {
		switch {
		case !asked[b.Kind.GroupKind()] || !o.overdue(b.Since, now):
		case b.Alone:
			blind = append(blind, &reconcile.Unwatched{Kind: b.Kind, Err: b.Err})
		default:
			return nil, &reconcile.Unreachable{Cluster: o.name, Since: b.Since, Err: b.Err}
		}
	}
	owned, err := o.Cluster.Owned(ctx, app, kinds)
	return owned, errors.Join(append(blind, err)...)
}

func (o observed) overdue(since, now time.Time) bool {
	return !since.IsZero() && o.patience > 0 && now.Sub(since) >= o.patience
}

// reach is what the watches of a cluster tell of it.
type reach struct {
	// since is when the first of them broke that a silent cluster may have
	// broken, zero where none is; cause is why.
	since time.Time
	cause error
	// overdue: that is longer ago than patience.
	overdue bool
	// refused names the kinds that the server has not let be watched for as long.
	refused string
	// replaced counts the connections before the one that tells this.
	replaced int
}

func (o observed) reach(now time.Time) reach { return reachOf(o.Broken(), o.overdue, now) }

func reachOf(breaks []kube.Break, overdue func(since, now time.Time) bool, now time.Time) reach {
	var out reach
	var refused []string
	for _, b := range breaks {
		switch {
		case b.Alone && overdue(b.Since, now):
			refused = append(refused, b.Kind.GroupKind().String())
		case !b.Alone && (out.since.IsZero() || b.Since.Before(out.since)):
			out.since, out.cause = b.Since, b.Err
		}
	}
	out.overdue, out.refused = overdue(out.since, now), strings.Join(refused, ", ")
	return out
}
