package reconcile

import (
	"context"
	"fmt"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/render"
)

// Inspection is a comparison with what it was made of.
type Inspection struct {
	Report drift.Report
	// Sources are the application's, in its order, ready to be rendered again.
	Sources []render.Request
	Schemas drift.Schemas
}

// Inspect is Compare with the application's own revision, for those who want
// to try changes of the files.
func (f *Flow) Inspect(ctx context.Context, app *v1alpha1.Application) (Inspection, error) {
	report, err := f.Compare(ctx, app, "")
	if err != nil {
		return Inspection{}, err
	}
	cluster, err := f.Clusters.Cluster(ctx, app.Spec.Destination)
	if err != nil {
		return Inspection{}, fmt.Errorf("find the destination: %w", err)
	}
	project, err := f.projectOf(ctx, app, cluster)
	if err != nil {
		return Inspection{}, err
	}
	all, err := f.open(ctx, app, project, nil)
	if err != nil {
		return Inspection{}, err
	}
	capabilities, err := cluster.Kinds.Capabilities(ctx)
	if err != nil {
		return Inspection{}, fmt.Errorf("ask cluster %s what it serves: %w", cluster.Name, err)
	}
	live := lookups(app, cluster, project, &Desired{})
	for i := range all.sources {
		all.sources[i].Capabilities = capabilities
		if live != nil {
			all.sources[i].Live = live
		}
	}
	return Inspection{Report: report, Sources: all.sources, Schemas: cluster.Schemas}, nil
}
