package reconcile

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/orphan"
	"github.com/trueup-dev/trueup/internal/object"
)

// contents is a namespace, and counts who looks through it.
type contents struct {
	all   []orphan.Object
	err   error
	asked int
}

func (c *contents) Contents(context.Context, string) ([]orphan.Object, []string, error) {
	c.asked++
	return c.all, []string{"Widget.example.com: forbidden"}, c.err
}

// theProject is the only one there is.
type theProject struct{ is *v1alpha1.Project }

func (p theProject) Project(context.Context, string) (*v1alpha1.Project, error) {
	return p.is, nil
}
func (theProject) MayRead(context.Context, string, string) error { return nil }

func (p theProject) tidy() theProject {
	p.is.Spec.OrphanedResources = &v1alpha1.OrphanedResources{}
	return p
}

func anything() theProject {
	p := &v1alpha1.Project{}
	p.Name = "tidy"
	p.Spec.SourceRepos, p.Spec.Destinations = []string{"*"}, []v1alpha1.ApplicationDestination{{Name: "*", Namespace: "*"}}
	return theProject{p}
}

// TestOrphansAreLookedForNowAndThen: only where the project asks, once in ten
// minutes, and a failure takes nothing away that was known.
func TestOrphansAreLookedForNowAndThen(t *testing.T) {
	t.Parallel()
	flow, c := newFlow(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}")
	put(t, c, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}")
	now := flow.Now()
	flow.Now = func() time.Time { return now }
	found := &contents{all: []orphan.Object{{Key: object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "notes"}}}}
	flow.Clusters.(source).cluster.Contents = found
	project := anything()
	flow.Projects = project
	app, mem := application(nil), &Memory{}
	app.Spec.Destination.Namespace = "shop"
	look := func() v1alpha1.ApplicationStatus {
		t.Helper()
		out := flow.Run(t.Context(), app, mem)
		if out.Err != nil {
			t.Fatal(out.Err)
		}
		if out.Status.Drift.Orphaned != nil && (out.After == 0 || out.After > orphansAge) {
			t.Errorf("the next look is after %s", out.After)
		}
		return out.Status
	}
	if status := look(); status.Drift.Orphaned != nil || found.asked != 0 {
		t.Fatalf("nobody asked for it: %+v after %d lists", status.Drift.Orphaned, found.asked)
	}
	project.tidy()
	status := look()
	want := []v1alpha1.OrphanedObject{{Kind: "ConfigMap", Namespace: "shop", Name: "notes"}}
	if diff := cmp.Diff(want, status.Drift.Orphaned.Objects); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := condition(status, "OrphanedResourceWarning"); !strings.Contains(got, "ConfigMap shop/notes") {
		t.Errorf("the condition reads %q", got)
	}
	if diff := cmp.Diff([]string{"Widget.example.com: forbidden"}, status.Drift.Orphaned.Unlisted); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	now = now.Add(orphansAge / 2)
	if look(); found.asked != 1 {
		t.Errorf("%d lists within the time", found.asked)
	}
	found.err = errors.New("the server is away")
	now = now.Add(orphansAge)
	status = look()
	if o := status.Drift.Orphaned; found.asked != 2 || o.Count != 1 || !strings.Contains(o.Unlisted[0], "the server is away") {
		t.Errorf("after %d lists: %+v", found.asked, o)
	}
	found.err, found.all = nil, nil
	mem.Recheck()
	if status = look(); status.Drift.Orphaned.Count != 0 || condition(status, "OrphanedResourceWarning") != "" {
		t.Errorf("a look at everything finds %+v", status.Drift.Orphaned)
	}
}
