package agent

import (
	"context"
	"fmt"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent/previews"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/preview/follow"
	"github.com/trueup-dev/trueup/preview/trial"
)

// previewedApps are the applications of the cluster as previews see them. It
// implements previews.Applications.
type previewedApps struct {
	client    client.Client
	mirrors   *git.Mirrors
	namespace string

	mu    sync.Mutex
	after map[[2]string]bool // whether the second commit comes from the first
}

var _ previews.Applications = (*previewedApps)(nil)

const (
	// maxAfter bounds the answers that are remembered.
	maxAfter = 10_000
	// maxMade bounds applications that made applications.
	maxMade = 5
)

func (p *previewedApps) get(ctx context.Context, app follow.App) (*v1alpha1.Application, error) {
	key := client.ObjectKey{Namespace: app.Namespace, Name: app.Name}
	if key.Namespace == "" {
		key.Namespace = p.namespace
	}
	var live v1alpha1.Application
	err := p.client.Get(ctx, key, &live)
	if apierrors.IsNotFound(err) {
		return nil, fault.New(fault.Missing, "there is no application %s", app.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("read the application %s: %w", app.Name, err)
	}
	return &live, nil
}

// Seen implements previews.Applications.
func (p *previewedApps) Seen(ctx context.Context, m previews.Merge, app follow.App) (follow.Seen, error) {
	live, err := p.get(ctx, app)
	if fault.Of(err) == fault.Missing {
		return follow.Seen{}, nil
	}
	if err != nil {
		return follow.Seen{}, err
	}
	out := follow.Seen{
		Found: true, Synced: live.Status.Sync.Status == v1alpha1.SyncStatusCodeSynced && live.Status.ObservedGeneration >= live.Generation,
		Automated: live.Spec.SyncPolicy != nil && live.Spec.SyncPolicy.Automated != nil,
		Health:    live.Status.Health.Status, HealthMessage: live.Status.Health.Message,
	}
	main, err := p.mirrors.Branch(ctx, m.Repository.URLs[0], "")
	if err != nil && fault.Of(err) != fault.Invalid {
		return out, err
	}
	change := trial.Change{URLs: m.Repository.URLs, Branch: m.Branch, Default: main == m.Branch}
	if out.Contains, out.Revision, err = p.contains(ctx, live, m, change, 0); err != nil {
		return out, err
	}
	var failures []string
	for _, c := range live.Status.Conditions {
		if c.Status == metav1.ConditionTrue && strings.HasSuffix(c.Type, "Error") {
			failures = append(failures, c.Message)
		}
	}
	out.Error = strings.Join(failures, "; ")
	if op := live.Status.OperationState; op != nil && !out.Synced && (op.Phase == "Failed" || op.Phase == "Error") {
		out.SyncError = op.Message
	}
	return out, nil
}

// contains tells whether an application has a merge: its sources that follow
// the branch do, or where there are none, the application that made it does.
func (p *previewedApps) contains(ctx context.Context, app *v1alpha1.Application, m previews.Merge, change trial.Change, depth int) (bool, string, error) {
	sync := app.Status.Sync
	follows, last := false, sync.Revision
	for i, s := range app.Spec.AllSources() {
		if s.Chart != "" || !change.Follows(snapshot.Location{RepoURL: s.RepoURL, Revision: s.TargetRevision}) {
			continue
		}
		follows = true
		revision := sync.Revision
		if i < len(sync.Revisions) {
			revision = sync.Revisions[i]
		}
		last = revision
		has, err := p.comesFrom(ctx, m, revision)
		if err != nil || has {
			return has, revision, err
		}
	}
	id := trackedBy(app)
	if follows || id == "" || depth == maxMade {
		return !follows, last, nil
	}
	namespace, name, ok := strings.Cut(id, "_")
	if !ok {
		namespace, name = p.namespace, id
	}
	parent, err := p.get(ctx, follow.App{Namespace: namespace, Name: name})
	if fault.Of(err) == fault.Missing {
		return true, last, nil
	}
	if err != nil {
		return false, last, err
	}
	has, _, err := p.contains(ctx, parent, m, change, depth+1)
	return has, last, err
}

// comesFrom tells whether a commit is a merge or comes from it.
func (p *previewedApps) comesFrom(ctx context.Context, m previews.Merge, revision string) (bool, error) {
	if revision == m.Commit || revision == "" || m.Commit == "" {
		return revision == m.Commit && revision != "", nil
	}
	key := [2]string{m.Commit, revision}
	p.mu.Lock()
	known, ok := p.after[key]
	p.mu.Unlock()
	if ok {
		return known, nil
	}
	common, err := p.mirrors.MergeBase(ctx, m.Repository.URLs[0], m.Commit, revision)
	if err != nil && fault.Of(err) != fault.Invalid {
		return false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.after == nil || len(p.after) > maxAfter {
		p.after = map[[2]string]bool{}
	}
	p.after[key] = common == m.Commit
	return common == m.Commit, nil
}

// Sync implements previews.Applications.
func (p *previewedApps) Sync(ctx context.Context, r previews.Repository, app follow.App, by string) error {
	// Statuses are written all the time; what counts is looked at anew each time.
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error { return p.ask(ctx, r, app, by) })
}

// ask asks for a sync of an application as it is now.
func (p *previewedApps) ask(ctx context.Context, r previews.Repository, app follow.App, by string) error {
	live, err := p.get(ctx, app)
	if err != nil {
		return err
	}
	from, err := p.from(ctx, live, r, 0)
	if err != nil {
		return err
	}
	if !from {
		return fault.New(fault.Denied, "it does not come from this repository")
	}
	if live.Operation != nil {
		return fault.New(fault.Conflict, "a sync is asked for already")
	}
	next := live.DeepCopy()
	prune := live.Spec.SyncPolicy != nil && live.Spec.SyncPolicy.Automated != nil && live.Spec.SyncPolicy.Automated.Prune
	next.Operation = &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{Prune: prune}, InitiatedBy: v1alpha1.OperationInitiator{Username: by}}
	if err := p.client.Patch(ctx, next, client.MergeFromWithOptions(live, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("ask for a sync of the application %s: %w", app.Name, err)
	}
	return nil
}

// from tells whether an application, what made it, or a generator of its set
// names a repository.
func (p *previewedApps) from(ctx context.Context, app *v1alpha1.Application, r previews.Repository, depth int) (bool, error) {
	if usesAny(app, r.Name, nil) {
		return true, nil
	}
	if owner := metav1.GetControllerOf(app); owner != nil && owner.Kind == "ApplicationSet" {
		var set v1alpha1.ApplicationSet
		err := p.client.Get(ctx, client.ObjectKey{Namespace: app.Namespace, Name: owner.Name}, &set)
		if err != nil {
			return false, client.IgnoreNotFound(err)
		}
		return names(generatedFrom(&set), r.Name), nil
	}
	id := trackedBy(app)
	if id == "" || depth == maxMade {
		return false, nil
	}
	namespace, name, ok := strings.Cut(id, "_")
	if !ok {
		namespace, name = p.namespace, id
	}
	parent, err := p.get(ctx, follow.App{Namespace: namespace, Name: name})
	if err != nil {
		if fault.Of(err) == fault.Missing {
			err = nil
		}
		return false, err
	}
	return p.from(ctx, parent, r, depth+1)
}
