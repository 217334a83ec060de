package agent

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/reconcile"
)

// Projects reads projects of the agent's namespace: who may write an
// application elsewhere must not be able to write its limits.
type Projects struct {
	Reader      client.Reader
	Namespace   string
	Credentials *Credentials
}

var _ reconcile.Projects = Projects{}

// MayRead implements reconcile.Projects.
func (p Projects) MayRead(ctx context.Context, project, repoURL string) error {
	return p.Credentials.permits(ctx, project, repoURL)
}

// Project implements reconcile.Projects.
func (p Projects) Project(ctx context.Context, name string) (*v1alpha1.Project, error) {
	out := &v1alpha1.Project{}
	err := p.Reader.Get(ctx, client.ObjectKey{Namespace: p.Namespace, Name: name}, out)
	if client.IgnoreNotFound(err) == nil && err != nil {
		return nil, fault.Wrap(fault.Missing, err)
	}
	return out, err
}
