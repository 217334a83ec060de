package kube

import (
	"context"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/internal/object"
)

// leaves notes that an object is not tracked any more. The caller holds mu.
func (w *kindWatch) leaves(id string, now time.Time) {
	if w.lately == nil || len(w.lately) >= maxLately {
		w.lately = map[string]time.Time{}
	}
	for old, at := range w.lately {
		if now.Sub(at) > latelyAge {
			delete(w.lately, old)
		}
	}
	w.lately[id] = now
}

// Tracks reports whether requests on an object are of interest: it is tracked,
// or was not long ago; of a request on a whole collection, whether its kind is
// watched.
func (c *Cluster) Tracks(ref audit.Ref) bool {
	c.tracker.mu.Lock()
	var kinds []*kindWatch
	for gvr, w := range c.tracker.watches {
		if gvr.Group == ref.Group && gvr.Resource == ref.Resource {
			kinds = append(kinds, w)
		}
	}
	c.tracker.mu.Unlock()
	id := ref.Namespace + "/" + ref.Name
	for _, w := range kinds {
		if ref.Name == "" || w.tracks(id) {
			return true
		}
	}
	return false
}

func (w *kindWatch) tracks(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, known := w.known[id]
	at, lately := w.lately[id]
	return known || lately && time.Since(at) < latelyAge
}

// Ref is an object as requests name it. What the cluster does not serve is
// guessed.
func (c *Cluster) Ref(key object.Key) audit.Ref {
	ref := audit.RefOf(key)
	if mapping, err := c.mapper.RESTMapping(key.GroupKind()); err == nil {
		ref.Resource = mapping.Resource.Resource
	}
	return ref
}

// User asks the cluster by which name it knows us.
func (c *Cluster) User(ctx context.Context) (string, error) {
	reviews := schema.GroupVersionResource{Group: authenticationv1.GroupName, Version: "v1", Resource: "selfsubjectreviews"}
	ask := &unstructured.Unstructured{Object: map[string]any{"apiVersion": authenticationv1.SchemeGroupVersion.String(), "kind": "SelfSubjectReview"}}
	answer, err := c.objects.Resource(reviews).Create(ctx, ask, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("ask cluster %s who we are: %w", c.name, classify(err))
	}
	var review authenticationv1.SelfSubjectReview
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(answer.Object, &review); err != nil {
		return "", fmt.Errorf("ask cluster %s who we are: %w", c.name, err)
	}
	return review.Status.UserInfo.Username, nil
}
