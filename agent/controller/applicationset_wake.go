package controller

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/reads"
)

// expansions remembers what expanding each set asked. While a set is being
// expanded, or after it failed, nothing is remembered of it: whatever happens
// then has it looked at.
type expansions struct {
	mu   sync.Mutex
	sets map[types.NamespacedName]reads.Reads
}

func (e *expansions) keep(name types.NamespacedName, found reads.Reads) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sets == nil {
		e.sets = map[types.NamespacedName]reads.Reads{}
	}
	e.sets[name] = found
}

func (e *expansions) forget(name types.NamespacedName) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.sets, name)
}

// changed tells whether the world would answer a set otherwise.
func (e *expansions) changed(ctx context.Context, name types.NamespacedName, world appset.World, kinds reads.Kinds) bool {
	e.mu.Lock()
	found, ok := e.sets[name]
	e.mu.Unlock()
	return !ok || found.Changed(ctx, world, kinds) != ""
}

// expand expands a set and remembers what that asked.
func (s *ApplicationSets) expand(ctx context.Context, set *v1alpha1.ApplicationSet) (appset.Result, error) {
	name := client.ObjectKeyFromObject(set)
	s.expansions.forget(name)
	world, recorder := reads.Trace(s.World)
	result, err := appset.Generate(ctx, set, world)
	if err == nil {
		s.expansions.keep(name, recorder.Reads())
	}
	return result, err
}

// Touched tells whether a set read something that a commit changed.
func (s *ApplicationSets) Touched(ctx context.Context, name types.NamespacedName) bool {
	return s.expansions.changed(ctx, name, s.World, reads.Trees)
}

// Concerned has those sets looked at again that ask a forge about one of the
// repositories, given as host/path, and counts them.
func (s *ApplicationSets) Concerned(repositories []string) int {
	var list v1alpha1.ApplicationSetList
	if err := s.Client.List(context.Background(), &list); err != nil {
		return 0 // the cache answers; forges are polled in any case
	}
	n := 0
	for i := range list.Items {
		if reads.Concerns(&list.Items[i], repositories) {
			s.Wake(client.ObjectKeyFromObject(&list.Items[i]))
			n++
		}
	}
	return n
}

// all names the sets that a change of the clusters concerns.
func (s *ApplicationSets) all(ctx context.Context, _ client.Object) []ctrl.Request {
	var list v1alpha1.ApplicationSetList
	if err := s.Client.List(ctx, &list); err != nil {
		return nil // the cache answers; what it lacks it will tell as an event
	}
	var out []ctrl.Request
	for i := range list.Items {
		name := client.ObjectKeyFromObject(&list.Items[i])
		if s.expansions.changed(ctx, name, s.World, reads.Clusters) {
			out = append(out, ctrl.Request{NamespacedName: name})
		}
	}
	return out
}
