package controller

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/reads"
)

// Touched tells whether a set read something that a commit changed.
func (s *ApplicationSets) Touched(ctx context.Context, name types.NamespacedName) bool {
	return s.expansions.changed(ctx, name, s.World, reads.Trees)
}

// Concerned has those sets looked at again that ask a forge about one of the
// repositories, given as host/path, and counts them.
func (s *ApplicationSets) Concerned(repositories []string) int {
	var list v1alpha1.ApplicationSetList
	if err := s.Client.List(context.Background(), &list, client.UnsafeDisableDeepCopy); err != nil {
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
