package agent

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm"
)

// forges reaches the servers that host repositories, until the context ends.
func forges(ctx context.Context, mgr ctrl.Manager, o Options, measured *metrics) (appset.Forges, appset.PullRequestStates) {
	options := o.Forges
	options.Objects, options.Namespace, options.Confined, options.REST.Observe = forgeObjects{mgr.GetAPIReader()}, o.Namespace, true, measured.asked
	f := scm.New(options)
	context.AfterFunc(ctx, f.Close)
	return f, f
}

// forgeObjects reads what generators name where their sets are. It keeps
// nothing: sets may be in any namespace, and tokens are asked for rarely.
type forgeObjects struct{ reader client.Reader }

// Secret implements scm.Objects.
func (f forgeObjects) Secret(ctx context.Context, namespace, name string) (scm.Secret, error) {
	var s corev1.Secret
	if err := f.get(ctx, namespace, name, &s); err != nil {
		return scm.Secret{}, err
	}
	return scm.Secret{Labels: s.Labels, Data: s.Data}, nil
}

// ConfigMap implements scm.Objects.
func (f forgeObjects) ConfigMap(ctx context.Context, namespace, name string) (map[string]string, error) {
	var m corev1.ConfigMap
	if err := f.get(ctx, namespace, name, &m); err != nil {
		return nil, err
	}
	return m.Data, nil
}

func (f forgeObjects) get(ctx context.Context, namespace, name string, into client.Object) error {
	err := f.reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, into)
	switch {
	case apierrors.IsNotFound(err):
		return fault.New(fault.Missing, "it is not there")
	case apierrors.IsForbidden(err):
		return fault.Wrap(fault.Denied, fmt.Errorf("the agent may not read it: %w", err))
	}
	return err
}
