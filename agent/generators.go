package agent

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/plugin"
	"github.com/trueup-dev/trueup/internal/scm"
)

// ForgeObjects reads what generators of forges name, past any cache.
func ForgeObjects(reader client.Reader) scm.Objects { return forgeObjects{reader} }

// Generators are the ports of generators that the cluster of the sets itself
// answers, or says whom to ask. What they name is in one namespace, whatever
// the set's: who may make sets elsewhere must not choose whom the agent asks.
func Generators(cluster *kube.Cluster, reader client.Reader, namespace string) (appset.Decisions, appset.Plugins) {
	objects := forgeObjects{reader}
	return kube.Decisions{Objects: decisionObjects{objects, cluster}, Namespace: namespace}, plugin.New(pluginObjects{objects}, namespace)
}

// decisionObjects also lists the objects that decide on clusters.
type decisionObjects struct {
	forgeObjects
	*kube.Cluster
}

// pluginObjects reads what ConfigMaps of plugins name.
type pluginObjects struct{ forgeObjects }

// Secret implements plugin.Objects.
func (p pluginObjects) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	var s corev1.Secret
	if err := p.get(ctx, namespace, name, &s); err != nil {
		return nil, err
	}
	return &s, nil
}
