package reconcile

import (
	"context"
	"errors"
	"slices"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/reconcile/limits"
)

// opened are an application's sources, with their trees.
type opened struct {
	sources   []render.Request
	locations []snapshot.Location
	// refs are the places of the sources that have a ref, by it.
	refs map[string]snapshot.Location
}

// onlyRef reports a source that is there for others to read from.
func (o opened) onlyRef(i int) bool {
	s := o.sources[i].Source
	return s.Ref != "" && s.Path == "" && s.Chart == ""
}

// open opens the trees of all sources, and tells all that cannot be opened. What
// is not here within the flow's patience is waited for by the next look.
func (f *Flow) open(ctx context.Context, app *v1alpha1.Application, project *v1alpha1.Project, revisions []string) (opened, error) {
	if f.Patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.Patience)
		defer cancel()
	}
	sources, err := sourcesOf(app, revisions)
	if err != nil {
		return opened{}, err
	}
	out := opened{refs: map[string]snapshot.Location{}}
	may := permitted{f, project, limits.NameOf(app)}
	trees := map[string]snapshot.Tree{}
	var failures []error
	for _, s := range sources {
		at := locationOf(&s)
		tree, err := may.open(ctx, at)
		failures = append(failures, err)
		out.sources = append(out.sources, render.Request{
			Tree: tree, App: app.Name, ID: f.ID(app), Namespace: app.Spec.Destination.Namespace, Project: app.Spec.Project, Source: s, Refs: trees, More: may,
		})
		out.locations = append(out.locations, at)
		if s.Ref != "" {
			trees[s.Ref], out.refs[s.Ref] = tree, at
		}
	}
	return out, errors.Join(failures...)
}

// permitted opens what files of an application name, submodules too, as far as
// its project permits.
type permitted struct {
	flow    *Flow
	project *v1alpha1.Project // nil limits nothing
	name    string
}

// Tree implements render.Opener.
func (p permitted) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	if err := p.check(ctx, at.RepoURL); err != nil {
		return snapshot.Tree{}, err
	}
	if p.project != nil && at.Chart == "" && !at.File {
		if err := limits.CheckRemoteBase(p.project, at); err != nil {
			return snapshot.Tree{}, err
		}
	}
	return p.open(ctx, at)
}

// open opens a tree that was checked already, whose submodules were not.
func (p permitted) open(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	tree, err := p.flow.Sources.Tree(ctx, at)
	if err == nil && (p.project != nil || p.flow.Projects != nil) {
		tree.FS = snapshot.Restrict(tree.FS, p.check)
	}
	return tree, err
}

func (p permitted) check(ctx context.Context, url string) error {
	if p.project != nil {
		if err := limits.CheckRepository(p.project, url); err != nil {
			return err
		}
	}
	if p.flow.Projects != nil {
		return p.flow.Projects.MayRead(ctx, p.name, url)
	}
	return nil
}

// sourcesOf lists an application's sources, at other revisions where these
// are given.
func sourcesOf(app *v1alpha1.Application, revisions []string) ([]v1alpha1.ApplicationSource, error) {
	var all []v1alpha1.ApplicationSource
	for _, s := range app.Spec.AllSources() {
		all = append(all, *s.DeepCopy())
	}
	if len(all) == 0 {
		return nil, fault.New(fault.Invalid, "the application has no source")
	}
	var failures []error
	seen := map[string]bool{}
	rendered := 0
	for i := range all {
		s := &all[i]
		if s.RepoURL == "" {
			failures = append(failures, fault.New(fault.Invalid, "source %d has no repoURL", i))
		}
		if s.Ref != "" && s.Chart != "" {
			failures = append(failures, fault.New(fault.Invalid, "source %d has both a ref and a chart: others can read files of a Git repository only", i))
		}
		if s.Ref != "" && seen[s.Ref] {
			failures = append(failures, fault.New(fault.Invalid, "two sources have the ref %q", s.Ref))
		}
		seen[s.Ref] = true
		if s.Ref == "" || s.Path != "" {
			rendered++
		}
		if i < len(revisions) && revisions[i] != "" {
			s.TargetRevision = revisions[i]
		}
	}
	if rendered == 0 {
		failures = append(failures, fault.New(fault.Invalid, "every source has a ref and no path: nothing is described"))
	}
	return all, errors.Join(failures...)
}

// locationOf is where a source's files are.
func locationOf(s *v1alpha1.ApplicationSource) snapshot.Location {
	return snapshot.Location{
		RepoURL: s.RepoURL, Chart: s.Chart, Revision: s.TargetRevision, TagPrefix: s.TagPrefix,
		PassCredentials: s.Chart != "" && s.Helm != nil && s.Helm.PassCredentials,
	}
}

// SourceReads is what the objects of one source depend on.
type SourceReads struct {
	At    snapshot.Location `json:"source"`
	Reads render.Reads      `json:"reads"`
}

// Reads tells what the objects depend on, source by source.
func (d *Desired) Reads() []SourceReads {
	var out []SourceReads
	for _, a := range d.asked {
		out = append(out, SourceReads{a.trees[0].at, a.reads})
	}
	return out
}

// Repositories are the URLs that an application depends on: its sources', and
// those that files of these were last seen to name, whether rendering came to
// its end or not.
func (m *Memory) Repositories(app *v1alpha1.Application) []string {
	var out []string
	add := func(url string) {
		if url != "" && !slices.Contains(out, url) {
			out = append(out, url)
		}
	}
	for _, s := range app.Spec.AllSources() {
		add(s.RepoURL)
	}
	for _, url := range m.lastNamed() {
		add(url)
	}
	return out
}
