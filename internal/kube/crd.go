package kube

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/trueup-dev/trueup/internal/health"
	"github.com/trueup-dev/trueup/internal/object"
)

// Install applies definitions and waits until the API server serves what they
// define.
func (c *Cluster) Install(ctx context.Context, crds []*unstructured.Unstructured) error {
	var failures []error
	for _, crd := range crds {
		_, err := c.Apply(ctx, crd)
		if err == nil {
			err = c.established(ctx, crd)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("install %s: %w", crd.GetName(), err))
		}
	}
	return errors.Join(failures...)
}

func (c *Cluster) established(ctx context.Context, crd *unstructured.Unstructured) error {
	const atMost = 30 * time.Second
	return wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, atMost, true, func(ctx context.Context) (bool, error) {
		live, err := c.Get(ctx, crd.GroupVersionKind(), object.KeyOf(crd))
		if err != nil {
			return false, err
		}
		return health.Of(live).Status == health.Healthy, nil
	})
}
