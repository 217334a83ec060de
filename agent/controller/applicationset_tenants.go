package controller

import (
	"context"
	"strings"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/reconcile"
	"github.com/trueup-dev/trueup/reconcile/limits"
)

// tenant reads repositories for a set that somebody else than the agent's
// operator may write: only those that the project of its applications permits,
// submodules included.
// Without it whoever may write a set could have the agent read any repository
// with the agent's credentials, and tell its files as parameters.
type tenant struct {
	appset.Repositories
	projects reconcile.Projects
	set      *v1alpha1.ApplicationSet
	agent    string // its namespace
}

// Tree implements appset.Repositories.
func (t tenant) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	if err := t.permitted(ctx, at.RepoURL); err != nil {
		return snapshot.Tree{}, err
	}
	tree, err := t.Repositories.Tree(ctx, at)
	if err == nil {
		tree.FS = snapshot.Restrict(tree.FS, t.permitted)
	}
	return tree, err
}

func (t tenant) permitted(ctx context.Context, url string) error {
	as := &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{
		Project: t.set.Spec.Template.Spec.Project, Source: &v1alpha1.ApplicationSource{RepoURL: url},
	}}
	as.Namespace = t.set.Namespace
	name := limits.NameOf(as)
	if strings.Contains(name, "{{") {
		return fault.New(fault.Denied, "a set in the namespace %s can read repositories only where spec.template.spec.project is no parameter: the project says which", t.set.Namespace)
	}
	_, err := reconcile.ProjectOf(ctx, t.projects, as, limits.Destination{}, t.agent)
	return err
}
