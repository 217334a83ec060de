package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/document"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/kube"
)

// cluster is what a person with kubectl would be: a machine may not have it.
type cluster struct{ client.Client }

func connect(kubeconfig string) (cluster, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return cluster{}, err
	}
	k, err := kube.NewClient(config)
	if err != nil {
		return cluster{}, err
	}
	return cluster{client.WithFieldOwner(k, "somebody-by-hand")}, nil
}

func (c cluster) namespace(ctx context.Context, name string) error {
	err := c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

const patience = 2 * time.Minute

func poll(ctx context.Context, what string, done func(context.Context) (bool, error)) error {
	if err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, patience, true, done); err != nil {
		return fmt.Errorf("wait until %s: %w", what, err)
	}
	return nil
}

// apply creates the ApplicationSet of a file, once its definition is served.
func (c cluster) apply(ctx context.Context, file, placeholder, url string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	docs, err := document.Decode([]byte(strings.ReplaceAll(string(data), placeholder, url)), file)
	if err != nil {
		return err
	}
	for i := range docs.ApplicationSets {
		set := docs.ApplicationSets[i]
		err := poll(ctx, "the agent has installed its definitions", func(ctx context.Context) (bool, error) {
			err := c.Create(ctx, set.DeepCopy())
			if apimeta.IsNoMatchError(err) || apierrors.IsNotFound(err) {
				return false, nil
			}
			return err == nil, err
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stdout, "created ApplicationSet %s\n", set.Name)
	}
	return nil
}

// awaitReady waits until n applications are Ready, at a revision where one is
// given.
func (c cluster) awaitReady(ctx context.Context, n int, revision string) error {
	return poll(ctx, fmt.Sprintf("%d applications are Synced and Healthy", n), func(ctx context.Context) (bool, error) {
		var list v1alpha1.ApplicationList
		if err := c.List(ctx, &list, client.InNamespace("trueup")); err != nil {
			return false, err
		}
		ready := 0
		for _, app := range list.Items {
			if apimeta.IsStatusConditionTrue(app.Status.Conditions, "Ready") && (revision == "" || app.Status.Sync.Revision == revision) {
				ready++
			}
		}
		return ready == n, nil
	})
}

func (c cluster) awaitDrift(ctx context.Context, name string) error {
	return poll(ctx, "the drift of "+name+" is told", func(ctx context.Context) (bool, error) {
		var app v1alpha1.Application
		err := c.Get(ctx, client.ObjectKey{Namespace: "trueup", Name: name}, &app)
		return err == nil && app.Status.Drift != nil && app.Status.Drift.Fields > 0, err
	})
}

// scale sets replicas by hand.
func (c cluster) scale(ctx context.Context, replicas int32) error {
	var web appsv1.Deployment
	if err := c.Get(ctx, client.ObjectKey{Namespace: "kustomize", Name: "web"}, &web); err != nil {
		return err
	}
	web.Spec.Replicas = &replicas
	return c.Update(ctx, &web)
}

// edit changes a live Deployment past Git.
func (c cluster) edit(ctx context.Context) error {
	var web appsv1.Deployment
	if err := c.Get(ctx, client.ObjectKey{Namespace: "kustomize", Name: "web"}, &web); err != nil {
		return err
	}
	pod := &web.Spec.Template.Spec.Containers[0]
	pod.Image += "-debug"
	*web.Spec.Replicas += 2
	return c.Update(ctx, &web)
}
