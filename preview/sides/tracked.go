package sides

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/appset"
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

// Names are those of the registered clusters, as far as they are known, by
// server.
func Names(ctx context.Context, known appset.Clusters) map[string]string {
	names := map[string]string{appset.LocalServer: appset.LocalName}
	if known == nil {
		return names
	}
	list, err := known.Clusters(ctx)
	for _, c := range list {
		if err == nil && c.Server != "" && c.Name != "" {
			names[c.Server] = c.Name
		}
	}
	return names
}
