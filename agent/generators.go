package agent

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/plugin"
)

// GeneratorObjects reads the ConfigMaps and Secrets that generators name, past
// any cache: they are read rarely, and what is read is not kept.
type GeneratorObjects struct{ Reader client.Reader }

// ConfigMap is the data of one. One that is not there is fault.Missing.
func (o GeneratorObjects) ConfigMap(ctx context.Context, namespace, name string) (map[string]string, error) {
	var cm corev1.ConfigMap
	err := o.get(ctx, namespace, name, &cm)
	return cm.Data, err
}

// Secret is one of them. One that is not there is fault.Missing.
func (o GeneratorObjects) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	var secret corev1.Secret
	err := o.get(ctx, namespace, name, &secret)
	return &secret, err
}

func (o GeneratorObjects) get(ctx context.Context, namespace, name string, into client.Object) error {
	err := o.Reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, into)
	switch {
	case err == nil:
		return nil
	case apierrors.IsNotFound(err):
		return fault.New(fault.Missing, "it is not in the namespace %s", namespace)
	case apierrors.IsForbidden(err):
		return fault.Wrap(fault.Denied, err)
	}
	return fmt.Errorf("ask the cluster: %w", err)
}

// decisionObjects also lists the objects that decide on clusters.
type decisionObjects struct {
	GeneratorObjects
	*kube.Cluster
}

// Generators are the ports of generators that the cluster of the sets itself
// answers, or says whom to ask. What they name is in one namespace, whatever
// the set's: who may make sets elsewhere must not choose whom the agent asks.
func Generators(cluster *kube.Cluster, reader client.Reader, namespace string) (appset.Decisions, appset.Plugins) {
	objects := GeneratorObjects{reader}
	return kube.Decisions{Objects: decisionObjects{objects, cluster}, Namespace: namespace}, plugin.New(objects, namespace)
}
