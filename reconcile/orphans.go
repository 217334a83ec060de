package reconcile

import (
	"context"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/orphan"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile/limits"
)

// orphansAge is how long what was found in a namespace stands: every kind is
// listed to find it.
const orphansAge = 10 * time.Minute

// maxUnlisted bounds what a status says about kinds that cannot be listed.
const maxUnlisted = 20

// orphans is what was last found of an application's namespace.
type orphans struct {
	at    time.Time
	found *v1alpha1.OrphanedSummary
	warn  bool
}

// Orphaned looks for what is in the destination namespace of an application
// and tracked by nobody. It is empty where the project does not ask for it.
func (f *Flow) Orphaned(ctx context.Context, app *v1alpha1.Application, projects Projects) (found []object.Key, unlisted []string, err error) {
	cluster, err := f.Clusters.Cluster(ctx, app.Spec.Destination)
	if err != nil {
		return nil, nil, fmt.Errorf("find the destination: %w", err)
	}
	project, err := ProjectOf(ctx, projects, app, limits.Destination{Name: cluster.Name, Server: cluster.Server}, f.Namespace)
	if err != nil {
		return nil, nil, err
	}
	return orphaned(ctx, app, project, cluster)
}

func orphaned(ctx context.Context, app *v1alpha1.Application, p *v1alpha1.Project, c *Cluster) ([]object.Key, []string, error) {
	namespace := app.Spec.Destination.Namespace
	if p == nil || p.Spec.OrphanedResources == nil || c.Contents == nil || namespace == "" {
		return nil, nil, nil
	}
	all, unlisted, err := c.Contents.Contents(ctx, namespace)
	if err != nil {
		return nil, nil, fmt.Errorf("look through the namespace %s of cluster %s: %w", namespace, c.Name, err)
	}
	var ignore []orphan.Ignore
	for _, i := range p.Spec.OrphanedResources.Ignore {
		ignore = append(ignore, orphan.Ignore{Group: i.Group, Kind: i.Kind, Name: i.Name})
	}
	return orphan.Find(all, ignore), unlisted, nil
}

// lookForOrphans looks through the namespace again where that is due, and
// tells when it will be next; 0 is never. What it cannot do is told with what
// was found before: it is no reason not to sync.
func (f *Flow) lookForOrphans(ctx context.Context, app *v1alpha1.Application, p *v1alpha1.Project, c *Cluster, mem *Memory) time.Duration {
	if p == nil || p.Spec.OrphanedResources == nil || c.Contents == nil {
		mem.orphans = orphans{}
		return 0
	}
	now := f.Now()
	settings := p.Spec.OrphanedResources
	mem.orphans.warn = settings.Warn == nil || *settings.Warn
	asked := fmt.Sprint(app.Spec.Destination, settings.Ignore)
	if left := mem.orphans.at.Add(orphansAge).Sub(now); left > 0 && mem.orphansAsked == asked {
		return left
	}
	found, unlisted, err := orphaned(ctx, app, p, c)
	mem.orphans.at, mem.orphansAsked = now, asked
	if err != nil {
		last := mem.orphans.found
		if last == nil {
			last = &v1alpha1.OrphanedSummary{}
		}
		last = last.DeepCopy()
		last.Unlisted = []string{err.Error()}
		mem.orphans.found = last
		return orphansAge
	}
	at := metav1.NewTime(now.Truncate(time.Second))
	out := &v1alpha1.OrphanedSummary{Count: len(found), Unlisted: unlisted[:min(len(unlisted), maxUnlisted)], ListedAt: &at}
	for _, key := range found[:min(len(found), maxChanges)] {
		out.Objects = append(out.Objects, v1alpha1.OrphanedObject{Group: key.Group, Kind: key.Kind, Namespace: key.Namespace, Name: key.Name})
	}
	mem.orphans.found = out
	return orphansAge
}

// warning is the text of the condition OrphanedResourceWarning; empty where
// there is nothing to warn of.
func (o orphans) warning() string {
	if !o.warn || o.found == nil || o.found.Count == 0 {
		return ""
	}
	const shown = 5
	var names []string
	for _, one := range o.found.Objects[:min(len(o.found.Objects), shown)] {
		names = append(names, object.Key{Group: one.Group, Kind: one.Kind, Namespace: one.Namespace, Name: one.Name}.Short())
	}
	if more := o.found.Count - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("nobody tracks %d objects of the namespace: %s", o.found.Count, strings.Join(names, ", "))
}
