package kube

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Break is a watch that does not tell what happens to the objects of a kind.
type Break struct {
	Kind  schema.GroupVersionKind
	Since time.Time
	Err   error
	// Alone: the server itself refuses this kind, which says nothing about
	// others.
	Alone bool
}

// Broken lists the watches that do not work now, in the order of their kinds.
func (c *Cluster) Broken() []Break {
	var out []Break
	for _, w := range c.tracker.kinds() {
		w.mu.Lock()
		if !w.broken.IsZero() {
			err := classify(w.err)
			out = append(out, Break{Kind: w.gvk, Since: w.broken, Err: err, Alone: refusal(err)})
		}
		w.mu.Unlock()
	}
	slices.SortFunc(out, func(a, b Break) int { return cmp.Compare(a.Kind.String(), b.Kind.String()) })
	return out
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
	case w.broken.IsZero() && !expired(err):
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
	if err == nil || expired(err) {
		return false
	}
	return apierrors.IsNotFound(err) || errors.As(err, &network) || refusal(classify(err))
}

// expired reports that a watch cannot go on from where it ended: a list follows.
func expired(err error) bool { return apierrors.IsResourceExpired(err) || apierrors.IsGone(err) }

func (w *kindWatch) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}
