package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent/controller"
	"github.com/trueup-dev/trueup/agent/previews"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/live"
	"github.com/trueup-dev/trueup/preview/post"
	"github.com/trueup-dev/trueup/preview/trial"
	"github.com/trueup-dev/trueup/reconcile"
)

// previewer tries pull requests with what the agent syncs with: its mirrors,
// caches, and the applications of its cluster. It implements
// previews.Previewer.
type previewer struct {
	mirrors *git.Mirrors
	trial   trial.Trial
	live    *live.Judge // nil asks no cluster
	// closed renders without keys; public tells what takes no credentials.
	closed reconcile.Renderer
	public func(context.Context, snapshot.Location) bool
	reader client.Reader
	// uses are the repositories that an application, or a set, was last seen to
	// read; namespace is the agent's.
	uses      func(types.NamespacedName) []string
	namespace string
}

var _ previews.Previewer = (*previewer)(nil)

const branches = "refs/heads/"

// Base implements previews.Previewer.
func (p *previewer) Base(ctx context.Context, r previews.Repository, branch string) (string, error) {
	c, err := p.mirrors.Resolve(ctx, r.URLs[0], branches+branch)
	return c.SHA, err
}

// Preview implements previews.Previewer.
func (p *previewer) Preview(ctx context.Context, r previews.Repository, pull post.Pull) (preview.Report, error) {
	change, err := p.change(ctx, r, pull)
	if err != nil {
		return preview.Report{}, err
	}
	roots := trial.Roots{Paths: []string{"."}, Live: true, Home: p.namespace}
	if err := p.gather(ctx, r, &roots); err != nil {
		return preview.Report{}, err
	}
	t := p.trial
	t.Guard = p.guard(r, pull)
	if t.Guard.Untrusted && t.Guard.Renderer == nil {
		return preview.Report{}, fault.New(fault.Denied, "changes from forks are not previewed by this agent")
	}
	tried, err := t.Try(ctx, change, roots)
	if err != nil {
		return preview.Report{}, err
	}
	if p.live != nil && !pull.Fork { // what clusters hold is not for whoever may open a pull request
		tried.Report.Live = p.live.Judge(ctx, tried)
	}
	return tried.Report, ctx.Err()
}

// guard says how far a pull request is trusted. Nobody merged it yet, so that
// what the agent may read and its author may not stays closed, unless the
// repository's Secret says otherwise.
func (p *previewer) guard(r previews.Repository, pull post.Pull) trial.Guard {
	g := p.trial.Guard
	switch {
	case pull.Fork, !r.Settings.TrustBranches && p.closed == nil:
		g.Untrusted = true
	case !r.Settings.TrustBranches:
		g.Closed, g.Renderer, g.Public = true, p.closed, p.public
	}
	return g
}

// change opens both sides, and what merging makes of them.
func (p *previewer) change(ctx context.Context, r previews.Repository, pull post.Pull) (trial.Change, error) {
	url := r.URLs[0]
	out := trial.Change{URLs: r.URLs, Branch: pull.Target, Head: pull.Head}
	// The base first: what it brings of the history is not fetched again.
	var err error
	if out.Base, err = p.mirrors.Fresh(ctx, snapshot.Location{RepoURL: url, Revision: branches + pull.Target}); err != nil {
		return out, err
	}
	head, err := p.head(ctx, url, pull)
	if err != nil {
		return out, err
	}
	main, err := p.mirrors.Branch(ctx, url, "")
	if err != nil && fault.Of(err) != fault.Invalid {
		return out, err
	}
	out.Default = main == pull.Target
	common, err := p.mirrors.MergeBase(ctx, url, out.Base.Commit.SHA, pull.Head)
	if err != nil {
		return out, err
	}
	before, err := p.mirrors.Tree(ctx, snapshot.Location{RepoURL: url, Revision: common})
	if err != nil {
		return out, err
	}
	out.Merged, out.Conflicts, err = trial.Merged(before, out.Base, head)
	return out, err
}

// head opens a pull request's end: by its id, or where the server does not give
// that, by the ref that the forge keeps for it.
func (p *previewer) head(ctx context.Context, url string, pull post.Pull) (snapshot.Tree, error) {
	tree, err := p.mirrors.Tree(ctx, snapshot.Location{RepoURL: url, Revision: pull.Head})
	if err == nil || pull.HeadRef == "" || ctx.Err() != nil {
		return tree, err
	}
	named, again := p.mirrors.Fresh(ctx, snapshot.Location{RepoURL: url, Revision: pull.HeadRef})
	switch {
	case again != nil:
		return tree, err
	case named.Commit.SHA != pull.Head:
		return tree, fault.New(fault.Transient, "the pull request has another head by now, %s", named.Commit.Short())
	}
	return named, nil
}

// gather finds the applications and sets of the cluster that may concern a
// repository, and notes the others. What sets and applications among them make
// is left out: it is found by expanding and rendering these.
func (p *previewer) gather(ctx context.Context, r previews.Repository, into *trial.Roots) error {
	var apps v1alpha1.ApplicationList
	var sets v1alpha1.ApplicationSetList
	if err := p.reader.List(ctx, &apps); err != nil {
		return fmt.Errorf("list applications: %w", err)
	}
	if err := p.reader.List(ctx, &sets); err != nil {
		return fmt.Errorf("list application sets: %w", err)
	}
	apps.Items = slices.DeleteFunc(apps.Items, func(a v1alpha1.Application) bool { return a.DeletionTimestamp != nil })
	sets.Items = slices.DeleteFunc(sets.Items, func(s v1alpha1.ApplicationSet) bool { return s.DeletionTimestamp != nil })
	concerned, makers := map[string]bool{}, map[types.NamespacedName]bool{}
	for i := range apps.Items {
		if a := &apps.Items[i]; usesAny(a, r.Name, p.uses(client.ObjectKeyFromObject(a))) {
			concerned[p.trial.Flow.ID(a)] = true
		}
	}
	for i := range sets.Items {
		if s := &sets.Items[i]; concerns(s, r.Name) || names(p.uses(controller.SetKey(client.ObjectKeyFromObject(s))), r.Name) {
			makers[client.ObjectKeyFromObject(s)] = true
		}
	}
	for i := range sets.Items {
		s := &sets.Items[i]
		if concerned[trackedBy(s)] {
			continue
		}
		s.ManagedFields, s.Status = nil, v1alpha1.ApplicationSetStatus{}
		to := &into.Others
		if makers[client.ObjectKeyFromObject(s)] {
			to = &into.Given
		}
		to.ApplicationSets = append(to.ApplicationSets, *s)
	}
	for i := range apps.Items {
		a := &apps.Items[i]
		owner := metav1.GetControllerOf(a)
		made := owner != nil && owner.Kind == "ApplicationSet" && makers[types.NamespacedName{Namespace: a.Namespace, Name: owner.Name}]
		id := p.trial.Flow.ID(a)
		if by := trackedBy(a); made || concerned[by] && by != id {
			continue
		}
		a.ManagedFields, a.Status, a.Operation = nil, v1alpha1.ApplicationStatus{}, nil
		to := &into.Others
		if concerned[id] {
			to = &into.Given
		}
		to.Applications = append(to.Applications, *a)
	}
	return nil
}

// trackedBy is the id of the application that made an object; empty is none.
func trackedBy(o client.Object) string {
	id, _, _ := strings.Cut(o.GetAnnotations()[object.TrackingAnnotation], ":")
	return id
}

// usesAny tells whether an application names a repository, or was seen to read
// it.
func usesAny(a *v1alpha1.Application, repository string, read []string) bool {
	for _, s := range a.Spec.AllSources() {
		if place(s.RepoURL) == repository {
			return true
		}
	}
	return names(read, repository)
}

func names(urls []string, repository string) bool {
	for _, url := range urls {
		if place(url) == repository {
			return true
		}
	}
	return false
}

// setNames tells whether a set may name a repository: other things can be called
// as it is, so that nothing is allowed by it.
func setNames(s *v1alpha1.ApplicationSet, repository string) bool {
	data, err := json.Marshal(s.Spec)
	_, path, _ := strings.Cut(repository, "/")
	return err == nil && strings.Contains(strings.ToLower(string(data)), strings.ToLower(path))
}

// concerns tells whether a set may read a repository, or make applications that
// do: it names it, or fills in which.
func concerns(s *v1alpha1.ApplicationSet, repository string) bool {
	if setNames(s, repository) {
		return true
	}
	for _, source := range templated(s) {
		if strings.Contains(source, "{{") {
			return true
		}
	}
	return s.Spec.TemplatePatch != nil
}

// templated are the repositories in a set's template.
func templated(s *v1alpha1.ApplicationSet) []string {
	var out []string
	for _, source := range s.Spec.Template.Spec.AllSources() {
		out = append(out, source.RepoURL)
	}
	return out
}

// generatedFrom are the repositories that a set's git generators read, at any
// depth, as they are written: one that is filled in names none.
func generatedFrom(s *v1alpha1.ApplicationSet) []string {
	data, err := json.Marshal(s.Spec.Generators)
	if err != nil {
		return nil
	}
	var all any
	_ = json.Unmarshal(data, &all) // it was just written
	var out []string
	var walk func(any)
	walk = func(value any) {
		switch v := value.(type) {
		case []any:
			for _, one := range v {
				walk(one)
			}
		case map[string]any:
			if git, ok := v["git"].(map[string]any); ok {
				if url, ok := git["repoURL"].(string); ok {
					out = append(out, url)
				}
			}
			for _, kind := range []string{"matrix", "merge", "generators"} {
				walk(v[kind])
			}
		}
	}
	walk(all)
	return out
}
