package controller

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// due reports whether everything must be fetched and compared anew, and sets
// the next time. The first look reads everything by itself. The name decides
// which part of the interval passes until the first sweep, so that those of
// all applications are spread evenly, after a restart as well.
func (e *entry) due(now time.Time, interval time.Duration) bool {
	switch {
	case interval <= 0:
		e.sweep = time.Time{}
		return false
	case e.sweep.IsZero():
		e.sweep = now.Add(partOf(e.name, interval))
		return false
	case now.Before(e.sweep):
		return false
	}
	e.sweep = now.Add(interval)
	return true
}

// partOf is a part of an interval that a name decides.
func partOf(name types.NamespacedName, interval time.Duration) time.Duration {
	sum := sha256.Sum256([]byte(name.String())) // names that are alike must not come close
	const all = 1 << 32
	return time.Duration(float64(interval) * (float64(binary.BigEndian.Uint32(sum[:])) / all))
}

// after is when to look again: after wait, or when a sweep is due if that is
// sooner. A wait of 0 is never.
func (e *entry) after(wait time.Duration, now time.Time) time.Duration {
	if e.sweep.IsZero() {
		return wait
	}
	const least = 10 * time.Millisecond // 0 would be never
	left := max(e.sweep.Sub(now), least)
	if wait == 0 {
		return left
	}
	return min(wait, left)
}

// WakeCluster has the applications of a cluster looked at, which destinations
// call by its name or its server.
func (a *Applications) WakeCluster(ctx context.Context, name, server string) error {
	var list v1alpha1.ApplicationList
	if err := a.Client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return err
	}
	for i := range list.Items {
		app := &list.Items[i]
		if to := app.Spec.Destination; (to.Server == "" || to.Server != server) && (to.Name == "" || to.Name != name) {
			continue
		}
		a.Wake(client.ObjectKeyFromObject(app))
	}
	return nil
}
