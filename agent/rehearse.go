package agent

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/preview/live"
)

var (
	_ live.Clusters = (*Destinations)(nil)
	_ live.Known    = Known{}
)

// Rehearse implements live.Clusters.
func (d *Destinations) Rehearse(ctx context.Context, to v1alpha1.ApplicationDestination) (live.Cluster, error) {
	ports, err := d.Cluster(ctx, to)
	if err != nil {
		return live.Cluster{}, err
	}
	d.mu.Lock()
	c := d.open[ports.Server]
	d.mu.Unlock()
	if c == nil {
		return live.Cluster{}, fault.New(fault.Transient, "the connection to cluster %s was closed", ports.Name)
	}
	return kube.Live(ctx, c.cluster, ports.Schemas, c.rehearsal)
}

// Known tells what the status of applications says about drift. It implements
// live.Known.
type Known struct{ Reader client.Reader }

// Changes implements live.Known.
func (k Known) Changes(ctx context.Context, namespace, name string) ([]v1alpha1.DriftChange, error) {
	var app v1alpha1.Application
	err := k.Reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &app)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("read the status of application %s: %w", name, err)
	}
	if app.Status.Drift == nil {
		return nil, nil
	}
	return app.Status.Drift.Changes, nil
}
