package sides

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/object"
)

// Tracked are the objects that applications have on base, by cluster.
type Tracked map[string]map[object.Key]ID

// Note takes in those of an application. Of several the one whose name comes
// first counts.
func (t Tracked) Note(cluster string, of ID, objects []*unstructured.Unstructured) {
	if t[cluster] == nil {
		t[cluster] = map[object.Key]ID{}
	}
	for _, u := range objects {
		key := object.KeyOf(u)
		if had, ok := t[cluster][key]; !ok || of.Namespace+"/"+of.Name < had.Namespace+"/"+had.Name {
			t[cluster][key] = of
		}
	}
}
