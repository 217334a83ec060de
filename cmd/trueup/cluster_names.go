package main

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/kube"
)

// nameClusters has applications name their clusters, where people read of them
// and the clusters are registered under a name. Who may not list the secrets of
// clusters reads the servers.
func nameClusters(ctx context.Context, k client.Reader, namespace string, apps []v1alpha1.Application) {
	if !slices.ContainsFunc(apps, func(app v1alpha1.Application) bool { return byServer(app.Spec.Destination) }) {
		return
	}
	var list corev1.SecretList
	if err := k.List(ctx, &list, client.InNamespace(namespace), client.MatchingLabels{kube.SecretTypeLabel: kube.SecretCluster}); err != nil {
		return
	}
	names := map[string]string{}
	for i := range list.Items {
		if r := kube.Identify(&list.Items[i]); names[r.Server] == "" { // of several the first one counts, as for the agent
			names[r.Server] = r.Name
		}
	}
	for i := range apps {
		if d := &apps[i].Spec.Destination; byServer(*d) {
			d.Name = names[d.Server]
		}
	}
}

// byServer reports a destination of which the server alone is given. That of the
// agent's own cluster needs nobody to name it, unless it is registered.
func byServer(d v1alpha1.ApplicationDestination) bool {
	return d.Name == "" && d.Server != "" && d.Server != appset.LocalServer
}
