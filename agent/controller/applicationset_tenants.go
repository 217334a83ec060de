package controller

import (
	"context"
	"fmt"
	"strings"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/reconcile"
	"github.com/trueup-dev/trueup/reconcile/limits"
)

// tenant reads repositories for a set that somebody else than the agent's
// operator may write: only those that the project of its applications permits.
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
	return t.Repositories.Tree(ctx, at)
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
	if err := t.projects.MayRead(ctx, name, url); err != nil {
		return err
	}
	project, err := t.projects.Project(ctx, name)
	switch {
	case fault.Of(err) == fault.Missing && name == limits.DefaultProject:
		return nil // as for applications
	case fault.Of(err) == fault.Missing:
		return fault.New(fault.Denied, "the project %s does not exist", name)
	case err != nil:
		return fmt.Errorf("read the project %s: %w", name, err)
	}
	return limits.CheckSpec(project, as, limits.Destination{}, t.agent)
}
