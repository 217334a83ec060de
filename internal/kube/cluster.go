package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile"
	"github.com/trueup-dev/trueup/reconcile/apply"
)

// Cluster is a connection to one cluster: the ports of reconcile.Cluster in
// one. It may be used by several goroutines. Close ends its watches.
type Cluster struct {
	name    string
	config  *rest.Config
	http    *http.Client
	objects dynamic.Interface
	mapper  meta.RESTMapper
	// metadata reads objects without their content.
	metadata metadata.Interface
	kinds    kinds
	tracker  *tracker
}

var (
	_ apply.Writer      = (*Cluster)(nil)
	_ reconcile.Objects = (*Cluster)(nil)
	_ reconcile.Kinds   = (*Cluster)(nil)
)

// Connect prepares a connection; nothing is asked of the cluster yet. see is
// told what happens to tracked objects.
func Connect(name string, config *rest.Config, see func(app string, s reconcile.Sighting)) (*Cluster, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1 // the server's own priorities and fairness decide
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("connect to cluster %s: %w", name, err)
	}
	objects, err := dynamic.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, fmt.Errorf("connect to cluster %s: %w", name, err)
	}
	// The mapper's questions have no context that could end them.
	bounded := *client
	bounded.Timeout = askTimeout
	mapper, err := apiutil.NewDynamicRESTMapper(config, &bounded)
	if err != nil {
		return nil, fmt.Errorf("connect to cluster %s: %w", name, err)
	}
	metadataClient, err := metadata.NewForConfigAndClient(metadata.ConfigFor(config), client)
	if err != nil {
		return nil, fmt.Errorf("connect to cluster %s: %w", name, err)
	}
	c := &Cluster{name: name, config: config, http: client, objects: objects, mapper: mapper, metadata: metadataClient}
	c.tracker = newTracker(metadataClient, objects, func(app string, s reconcile.Sighting) {
		if s.Key.Kind == "CustomResourceDefinition" {
			c.kinds.forget()
		}
		see(app, s)
	})
	return c, nil
}

// Close stops the watches and waits for them.
func (c *Cluster) Close() {
	c.tracker.close()
	c.http.CloseIdleConnections()
}

// Get reads one object in the version that gvk names.
func (c *Cluster) Get(ctx context.Context, gvk schema.GroupVersionKind, key object.Key) (*unstructured.Unstructured, error) {
	resource, err := c.resource(gvk, key.Namespace)
	if err != nil {
		return nil, err
	}
	u, err := resource.Get(ctx, key.Name, metav1.GetOptions{})
	return u, classify(err)
}

// List lists the objects of a kind in the version that gvk names.
func (c *Cluster) List(ctx context.Context, gvk schema.GroupVersionKind, namespace string, most int) ([]*unstructured.Unstructured, error) {
	resource, err := c.resource(gvk, namespace)
	if err != nil {
		return nil, err
	}
	list, err := resource.List(ctx, metav1.ListOptions{Limit: int64(most)})
	if err != nil {
		return nil, classify(err)
	}
	if list.GetContinue() != "" || len(list.Items) > most {
		return nil, fault.New(fault.Invalid, "there are more than %d", most)
	}
	out := make([]*unstructured.Unstructured, len(list.Items))
	for i := range list.Items {
		out[i] = &list.Items[i]
	}
	return out, nil
}

// Apply applies an object server-side, taking over what others own of it.
func (c *Cluster) Apply(ctx context.Context, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	resource, err := c.resource(u.GroupVersionKind(), u.GetNamespace())
	if err != nil {
		return nil, err
	}
	stored, err := resource.Apply(ctx, u.GetName(), u, metav1.ApplyOptions{FieldManager: object.FieldManager, Force: true})
	if err != nil {
		return nil, withoutValues(u, classify(err))
	}
	if u.GetKind() == "CustomResourceDefinition" {
		c.kinds.forget()
	}
	return stored, nil
}

// Delete removes an object in the background, unless another has taken its
// name.
func (c *Cluster) Delete(ctx context.Context, key object.Key, uid string) error {
	mapping, err := c.mapper.RESTMapping(key.GroupKind())
	if err != nil {
		return classify(err)
	}
	id, policy := types.UID(uid), metav1.DeletePropagationBackground
	err = c.objects.Resource(mapping.Resource).Namespace(key.Namespace).Delete(ctx, key.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &id}, PropagationPolicy: &policy,
	})
	return classify(err)
}

func (c *Cluster) resource(gvk schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, error) {
	mapping, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, classify(err)
	}
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		return c.objects.Resource(mapping.Resource).Namespace(namespace), nil
	}
	return c.objects.Resource(mapping.Resource), nil
}

// classify gives an error of an API server its kind. What the server answers
// about one request, such as that a conversion webhook is broken, says nothing
// about others. That is so even of 429, Too Many Requests: a server gives it for
// the lists of a kind that it cannot convert.
func classify(err error) error {
	var network net.Error
	var status apierrors.APIStatus
	switch {
	case err == nil:
		return nil
	case meta.IsNoMatchError(err):
		return fault.Wrap(fault.Missing, fmt.Errorf("the cluster does not serve this kind: %w", err))
	case apierrors.IsNotFound(err), apierrors.IsGone(err):
		return fault.Wrap(fault.Missing, err)
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return fault.Wrap(fault.Denied, err)
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err):
		return fault.Wrap(fault.Conflict, err)
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsMethodNotSupported(err), apierrors.IsRequestEntityTooLargeError(err):
		return fault.Wrap(fault.Invalid, err)
	case errors.As(err, &network):
		return fault.Wrap(fault.Transient, err)
	case errors.As(err, &status):
		return fault.Wrap(fault.Transient, &reconcile.Answered{Err: err})
	}
	return err
}
