package agent

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/preview/live"
)

var (
	_ live.Clusters = (*Destinations)(nil)
	_ live.Known    = Known{}
)

// wakeTimeout is how long a cluster may take for its first answer.
const wakeTimeout = 10 * time.Second

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
	ctx, cancel := context.WithTimeout(ctx, wakeTimeout)
	defer cancel()
	if err := c.cluster.Awake(ctx); err != nil {
		return live.Cluster{}, err
	}
	return live.Cluster{Objects: ports.Objects, Kinds: ports.Kinds, Trials: c.rehearsal, Schemas: ports.Schemas}, nil
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
