package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/document"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/lifecycle"
	"github.com/trueup-dev/trueup/internal/fault"
)

type setDiffOptions struct {
	connection
	worldOptions
	against string
	output  string
}

func newAppSetDiffCommand(s streams) *cobra.Command {
	var o setDiffOptions
	cmd := &cobra.Command{
		Use:   "diff SET.yaml",
		Short: "Show what ApplicationSets of a file would create, update, delete and hold",
		Long: `Show what ApplicationSets of a file would create, update, delete and hold, field by field, and change nothing.

By default this is compared with the cluster: its applications, its clusters, and what generators name there.
With --against FILE no cluster is asked. FILE holds Applications, or ApplicationSets that are expanded first, such as the file as it was
before; --clusters and --objects say what generators get.

Exits with 0 when nothing would change, 3 when something would, 4 when an application cannot be as the set wants it, 1 on errors.`,
		Example: `  trueup appset diff shop.yaml
  git show main:shop.yaml > before.yaml; trueup appset diff shop.yaml --against before.yaml --clusters clusters.yaml`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("--output", o.output, "text", "json", "yaml", "name"); err != nil {
				return err
			}
			return diffSets(cmd.Context(), o, args[0], s)
		},
	}
	flags := cmd.Flags()
	o.connection.flags(flags)
	o.worldOptions.flags(flags)
	flags.StringVar(&o.against, "against", "", "compare with the Applications and ApplicationSets of this file instead of the cluster")
	flags.StringVarP(&o.output, "output", "o", "text", "text, json, yaml or name")
	return cmd
}

func diffSets(ctx context.Context, o setDiffOptions, file string, s streams) error {
	sets, err := readSets(file, s)
	if err != nil {
		return err
	}
	world, done, now, err := o.sides(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	var all []setChanges
	var errs []error
	for i := range sets.docs.ApplicationSets {
		set := &sets.docs.ApplicationSets[i]
		if set.Namespace == "" {
			set.Namespace = o.namespace
		}
		changes, err := diffSet(ctx, set, world, now)
		sets.warn(i, appset.Result{Warnings: changes.warnings}, s.err)
		errs = append(errs, sets.explained(i, err))
		all = append(all, changes)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return printSetChanges(s, o.output, all)
}

// present is what there is before a set changes.
type present interface {
	// of gives the set with its status as it was last written, its
	// applications, and other applications of its namespace.
	of(ctx context.Context, set *v1alpha1.ApplicationSet) (lifecycle.Input, error)
}

func (o *setDiffOptions) sides(ctx context.Context, s streams) (appset.World, func(), present, error) {
	if o.against == "" {
		world, done, err := o.online(&o.connection, s)
		if err != nil {
			return world, nil, nil, err
		}
		k, err := o.client()
		if err != nil {
			done()
			return world, nil, nil, err
		}
		return world, done, clusterSide{k, o.namespace, world.Clusters}, nil
	}
	world, done, err := o.offline(s)
	if err != nil {
		return world, nil, nil, err
	}
	docs, err := readDocuments(o.against, s)
	if err == nil && len(docs.ApplicationSets)+len(docs.Applications) == 0 {
		err = fault.New(fault.Invalid, "%s holds neither Applications nor ApplicationSets", o.against)
	}
	var before fileSide
	if err == nil {
		before, err = newFileSide(ctx, setFile{docs}, world, s)
	}
	if err != nil {
		done()
		return world, nil, nil, err
	}
	return world, done, before, nil
}

// diffSet plans as the agent would.
func diffSet(ctx context.Context, set *v1alpha1.ApplicationSet, world appset.World, now present) (setChanges, error) {
	in, err := now.of(ctx, set)
	if err != nil {
		return setChanges{}, err
	}
	// With the status that is stored: what vanished since is asked about.
	result, err := appset.Generate(ctx, in.Set, world)
	if err != nil {
		return setChanges{}, err
	}
	in.Result, in.Agent, in.Now = result, lifecycle.Agent{Budget: lifecycle.DefaultBudget()}, time.Now()
	plan := lifecycle.Make(ctx, in)
	if plan.Err != nil {
		return setChanges{}, plan.Err
	}
	out := changesOf(set, in, plan)
	out.warnings = result.Warnings
	return out, nil
}

// clusterSide is what a cluster has.
type clusterSide struct {
	client    client.Client
	namespace string // of the agent
	clusters  appset.Clusters
}

func (c clusterSide) of(ctx context.Context, set *v1alpha1.ApplicationSet) (lifecycle.Input, error) {
	in := lifecycle.Input{Set: set, Others: map[string]v1alpha1.Application{}}
	var stored v1alpha1.ApplicationSet
	err := c.client.Get(ctx, client.ObjectKeyFromObject(set), &stored)
	if err != nil && !apierrors.IsNotFound(err) {
		return in, fmt.Errorf("get ApplicationSet %s: %w", set.Name, err)
	}
	merged := set.DeepCopy()
	merged.UID, merged.Status, merged.Generation = stored.UID, stored.Status, stored.Generation
	same, err := sameSpec(set, &stored)
	if err != nil {
		return in, err
	}
	if !same {
		merged.Generation++
	}
	in.Set = merged
	var list v1alpha1.ApplicationList
	if err := c.client.List(ctx, &list, client.InNamespace(set.Namespace)); err != nil {
		return in, fmt.Errorf("list applications in %s: %w", set.Namespace, err)
	}
	for _, app := range list.Items {
		if stored.UID != "" && metav1.IsControlledBy(&app, &stored) {
			in.Owned = append(in.Owned, app)
			continue
		}
		in.Others[app.Name] = app
	}
	var projects v1alpha1.ProjectList
	if err := c.client.List(ctx, &projects, client.InNamespace(c.namespace)); err != nil {
		return in, fmt.Errorf("list projects in %s: %w", c.namespace, err)
	}
	in.Known.Projects = map[string]bool{}
	for _, p := range projects.Items {
		in.Known.Projects[p.Name] = true
	}
	in.Known.Clusters, err = c.clusters.Clusters(ctx)
	return in, err
}

// sameSpec tells whether writing one set over the other would change nothing.
func sameSpec(a, b *v1alpha1.ApplicationSet) (bool, error) {
	var sides [2]any
	for i, set := range []*v1alpha1.ApplicationSet{a, b} {
		data, err := json.Marshal(set.Spec)
		if err == nil {
			err = json.Unmarshal(data, &sides[i])
		}
		if err != nil {
			return false, fmt.Errorf("compare ApplicationSet %s: %w", a.Name, err)
		}
	}
	return reflect.DeepEqual(sides[0], sides[1]), nil
}

// fileSide is what a file has: Applications, and those that its sets expand
// to, by set.
type fileSide struct {
	docs     document.Documents
	expanded map[string]expandedSet
}

type expandedSet struct {
	status v1alpha1.ApplicationSetStatus
	apps   []v1alpha1.Application
}

// uidOfFile is the identity of sets in files, of which none has one.
const uidOfFile = types.UID("file")

func newFileSide(ctx context.Context, file setFile, world appset.World, s streams) (fileSide, error) {
	out := fileSide{docs: file.docs, expanded: map[string]expandedSet{}}
	results, err := file.expand(ctx, world, s)
	if err != nil {
		return out, err
	}
	for i, result := range results {
		set := file.docs.ApplicationSets[i].DeepCopy()
		set.UID = uidOfFile
		// As if the agent had just brought it about.
		plan := lifecycle.Make(ctx, lifecycle.Input{Set: set, Result: result, Now: time.Now()})
		if plan.Err != nil {
			return out, file.explained(i, plan.Err)
		}
		status := set.Status
		status.Generators = plan.Generators
		out.expanded[set.Name] = expandedSet{status, plan.Create}
	}
	return out, nil
}

func (f fileSide) of(_ context.Context, set *v1alpha1.ApplicationSet) (lifecycle.Input, error) {
	merged := set.DeepCopy()
	merged.UID, merged.Status = uidOfFile, f.expanded[set.Name].status
	in := lifecycle.Input{Set: merged, Others: map[string]v1alpha1.Application{}}
	have := map[string]bool{}
	owners := slices.ContainsFunc(f.docs.Applications, func(app v1alpha1.Application) bool { return metav1.GetControllerOf(&app) != nil })
	for _, app := range f.expanded[set.Name].apps {
		app.Namespace, have[app.Name] = set.Namespace, true
		in.Owned = append(in.Owned, app)
	}
	for _, app := range f.docs.Applications {
		owner := metav1.GetControllerOf(&app)
		switch {
		case have[app.Name]:
		case owner != nil && owner.Name != set.Name:
			in.Others[app.Name] = app
		case owner == nil && (owners || len(f.expanded) > 0):
			in.Others[app.Name] = app
		default:
			// Printed applications name no owner; those of the cluster do, and one
			// without an owner among them is nobody's.
			app.Namespace = set.Namespace
			app.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(merged, v1alpha1.GroupVersion().WithKind("ApplicationSet"))}
			in.Owned = append(in.Owned, app)
		}
	}
	return in, nil
}
