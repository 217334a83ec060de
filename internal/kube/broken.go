package kube

import (
	"context"
	"errors"
	"net"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Broken tells since when the watches of kinds, or of all kinds where none is
// named, have not told what happens, and why; a zero time where they all do.
func (c *Cluster) Broken(kinds ...schema.GroupKind) (since time.Time, cause error) {
	asked := map[schema.GroupKind]bool{}
	for _, kind := range kinds {
		asked[kind] = true
	}
	c.tracker.mu.Lock()
	var watches []*kindWatch
	for _, w := range c.tracker.watches {
		if len(kinds) == 0 || asked[w.gvk.GroupKind()] {
			watches = append(watches, w)
		}
	}
	c.tracker.mu.Unlock()
	for _, w := range watches {
		w.mu.Lock()
		if !w.broken.IsZero() && (since.IsZero() || w.broken.Before(since)) {
			since, cause = w.broken, w.err
		}
		w.mu.Unlock()
	}
	return since, classify(cause)
}

// tried takes in how an attempt to list or watch went. Where the kind is not
// served any more, none of its objects is there.
func (w *kindWatch) tried(ctx context.Context, err error) {
	if err != nil && ctx.Err() != nil {
		return
	}
	w.mu.Lock()
	w.err = err
	unserved := apierrors.IsNotFound(err)
	switch {
	case err == nil || unserved:
		w.broken = time.Time{}
	case w.broken.IsZero() && !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err):
		w.broken = time.Now()
	}
	if hopeless(err) && !w.asked {
		w.asked = true
		close(w.refused)
	}
	w.mu.Unlock()
	if unserved {
		w.keep(nil)
	}
}

// hopeless reports errors for which nobody should wait: whoever asks is told
// at once, and asks again later.
func hopeless(err error) bool {
	var network net.Error
	return apierrors.IsNotFound(err) || errors.As(err, &network) || err != nil && refusal(classify(err))
}

func (w *kindWatch) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}
