package kube

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/trueup-dev/trueup/internal/health"
	"github.com/trueup-dev/trueup/internal/object"
)

// Established waits until the API server serves what a definition defines.
func (c *Cluster) Established(ctx context.Context, crd *unstructured.Unstructured) error {
	const atMost = 30 * time.Second
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, atMost, true, func(ctx context.Context) (bool, error) {
		live, err := c.Get(ctx, crd.GroupVersionKind(), object.KeyOf(crd))
		if err != nil {
			return false, err
		}
		return health.Of(live).Status == health.Healthy, nil
	})
	if err != nil {
		return fmt.Errorf("wait for %s: %w", crd.GetName(), err)
	}
	return nil
}
