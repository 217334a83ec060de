package agent

import (
	"context"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/secret"
)

// KeyHint tells where a key is put.
const KeyHint = "put the private key of one of them into a Secret in the agent's namespace with the label " + kube.KeyTypeLabel + ": " + kube.KeyTypeSOPS

// Keys finds the keys of encrypted files in secrets with the label
// trueup.dev/secret-type: sops-keys.
type Keys struct {
	Reader    client.Reader
	Namespace string
}

var _ secret.Keys = Keys{}

// Bundles implements secret.Keys.
func (k Keys) Bundles(ctx context.Context) ([]secret.Bundle, error) {
	var list corev1.SecretList
	if err := k.Reader.List(ctx, &list, client.InNamespace(k.Namespace), client.MatchingLabels{kube.KeyTypeLabel: kube.KeyTypeSOPS}); err != nil {
		return nil, fmt.Errorf("list secrets with keys in %s: %w", k.Namespace, err)
	}
	var out []secret.Bundle
	for i := range list.Items {
		s := &list.Items[i]
		project, ok := projectOf(s)
		if !ok {
			continue
		}
		out = append(out, secret.Bundle{
			Name: "Secret " + s.Name, Version: string(s.UID) + "/" + s.ResourceVersion, Project: project, Data: s.Data,
		})
	}
	return out, nil
}

// projectOf is the project that may use a secret's keys; empty is every one.
// Where entry and annotation contradict each other, none may: that is the
// mistake that nobody regrets.
func projectOf(s *corev1.Secret) (project string, ok bool) {
	entry, limited := s.Data["project"]
	annotation, annotated := s.Annotations[kube.KeyProject]
	switch {
	case limited && annotated:
		return annotation, annotation == string(entry) && annotation != ""
	case limited:
		return string(entry), len(entry) > 0
	case annotated:
		return annotation, annotation != ""
	}
	return "", true
}

// watchKeys calls when the keys are others than before. It is called once for
// each secret, and not for those that are there at the start.
func watchKeys(ctx context.Context, informers cache.Informers, call func()) error {
	informer, err := informers.GetInformer(ctx, &corev1.Secret{}, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watch secrets with keys: %w", err)
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(o any, initial bool) {
			if !initial && holdsKeys(o) {
				call()
			}
		},
		UpdateFunc: func(before, after any) {
			if version(before) != version(after) && (holdsKeys(before) || holdsKeys(after)) {
				call()
			}
		},
		DeleteFunc: func(o any) {
			if gone, ok := o.(toolscache.DeletedFinalStateUnknown); ok {
				o = gone.Obj
			}
			if holdsKeys(o) {
				call()
			}
		},
	})
	return err
}

func holdsKeys(o any) bool {
	object, ok := o.(client.Object)
	return ok && object.GetLabels()[kube.KeyTypeLabel] == kube.KeyTypeSOPS
}

func version(o any) string {
	if object, ok := o.(client.Object); ok {
		return object.GetResourceVersion()
	}
	return ""
}

// newDecrypter opens files with the keys that secrets hold. wake is told of every
// application when keys change: what did not read an encrypted file is not
// rendered for it.
func newDecrypter(ctx context.Context, mgr ctrl.Manager, o Options, wake func(*v1alpha1.Application)) (*secret.Decrypter, error) {
	err := watchKeys(ctx, mgr.GetCache(), func() {
		var list v1alpha1.ApplicationList
		if err := mgr.GetClient().List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
			o.Log.Error(err, "keys changed; applications notice at their next turn")
			return
		}
		for i := range list.Items {
			wake(&list.Items[i])
		}
	})
	return secret.New(secret.Options{
		Keys: Keys{Reader: mgr.GetClient(), Namespace: o.Namespace}, Hint: KeyHint,
		Ambient: o.AmbientKeys, Getenv: os.Getenv, ReadFile: os.ReadFile,
	}), err
}
