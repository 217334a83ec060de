package agent

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/internal/kube"
)

// watched limits what is kept of the agent's namespace to what it uses: of
// other secrets and config maps the names alone. Helm's secrets, which are
// large, are not even asked for.
func watched(namespace string) map[client.Object]cache.ByObject {
	only := map[string]cache.Config{namespace: {}}
	return map[client.Object]cache.ByObject{
		&corev1.Secret{}:    {Namespaces: only, Field: fields.OneTermNotEqualSelector("type", "helm.sh/release.v1"), Transform: strip},
		&corev1.ConfigMap{}: {Namespaces: only, Transform: strip},
	}
}

// strip empties what we do not use before it is kept.
func strip(o any) (any, error) {
	switch o := o.(type) {
	case *corev1.Secret:
		o.ManagedFields = nil
		if o.Labels[kube.SecretTypeLabel] == "" && !holdsKeys(o) && !slices.Contains(webhookSecretNames(), o.Name) {
			o.Data, o.Annotations = nil, nil
		}
	case *corev1.ConfigMap:
		o.ManagedFields = nil
		switch {
		case slices.Contains(ruleMaps(), o.Name):
			o.Data, o.BinaryData, o.Annotations = ruleData(o.Data), nil, nil
		case !trusts(o.Name):
			o.Data, o.BinaryData, o.Annotations = nil, nil, nil
		}
	}
	return o, nil
}

func trusts(configMap string) bool {
	return slices.Contains(append(knownHostsMaps(), tlsCertsMaps()...), configMap)
}

// watchCredentials polls the repositories that new credentials are for, so
// that they count before the next tick.
func watchCredentials(ctx context.Context, informers cache.Informers, namespace string, p pushes) error {
	for _, of := range []client.Object{&corev1.Secret{}, &corev1.ConfigMap{}} {
		informer, err := informers.GetInformer(ctx, of, cache.BlockUntilSynced(false))
		if err != nil {
			return fmt.Errorf("watch credentials in %s: %w", namespace, err)
		}
		_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
			AddFunc:    func(o any) { p.credentials(nil, o) },
			UpdateFunc: func(old, o any) { p.credentials(old, o) },
			DeleteFunc: func(o any) { p.credentials(nil, o) },
		})
		if err != nil {
			return fmt.Errorf("watch credentials in %s: %w", namespace, err)
		}
	}
	return nil
}

// credentials polls what a secret or config map is about.
func (p pushes) credentials(old, now any) {
	if gone, ok := now.(toolscache.DeletedFinalStateUnknown); ok {
		now = gone.Obj
	}
	switch now := now.(type) {
	case *corev1.Secret:
		if before, ok := old.(*corev1.Secret); ok && before.ResourceVersion == now.ResourceVersion {
			return // told again without a change
		}
		if p.pulls != nil {
			p.pulls.Relist()
		}
		at := string(now.Data["url"])
		switch now.Labels[kube.SecretTypeLabel] {
		case kube.SecretRepo:
			p.where(func(url string) bool { return canonical(url) == canonical(at) })
		case kube.SecretRepoCreds:
			p.where(func(url string) bool { return covers(at, url) > 0 })
		}
	case *corev1.ConfigMap:
		if before, ok := old.(*corev1.ConfigMap); ok && before.ResourceVersion == now.ResourceVersion || !trusts(now.Name) {
			return
		}
		p.where(func(string) bool { return true })
	}
}
