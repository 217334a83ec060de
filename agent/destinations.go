package agent

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	driftschema "github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/reconcile"
)

// Destinations connects to the local cluster and to those that secrets
// register. It implements reconcile.Clusters and appset.Clusters.
type Destinations struct {
	// Local is the cluster that holds the applications.
	Local *rest.Config
	// Reader reads secrets in Namespace.
	Reader    client.Reader
	Namespace string
	Builtin   *driftschema.Set
	// See is told what happens to tracked objects, and in which cluster.
	See func(app string, s reconcile.Sighting)

	mu   sync.Mutex
	open map[string]*connection // by server
}

type connection struct {
	version string // of the secret
	cluster *kube.Cluster
	ports   *reconcile.Cluster
}

var (
	_ reconcile.Clusters = (*Destinations)(nil)
	_ appset.Clusters    = (*Destinations)(nil)
)

// Close ends all connections.
func (d *Destinations) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for server, c := range d.open {
		c.cluster.Close()
		delete(d.open, server)
	}
}

// Cluster implements reconcile.Clusters.
func (d *Destinations) Cluster(ctx context.Context, to v1alpha1.ApplicationDestination) (*reconcile.Cluster, error) {
	if to.Server != "" && to.Name != "" {
		return nil, fault.New(fault.Invalid, "the destination names both a server and a cluster; one is enough")
	}
	if to.Server == "" && to.Name == "" {
		return nil, fault.New(fault.Invalid, "the destination names neither a server nor a cluster")
	}
	secrets, err := d.secrets(ctx)
	if err != nil {
		return nil, err
	}
	for i := range secrets {
		r, err := kube.FromSecret(&secrets[i])
		if r.Server != to.Server && r.Name != to.Name || to.Server == "" && r.Name != to.Name {
			continue
		}
		if err != nil {
			return nil, err
		}
		return d.connect(r.Name, r.Server, secrets[i].ResourceVersion, r.Config)
	}
	if to.Server == appset.LocalServer || to.Name == appset.LocalName {
		return d.connect(appset.LocalName, appset.LocalServer, "", d.Local)
	}
	return nil, fault.New(fault.Missing, "the cluster %s is not registered; 'trueup cluster list' shows those that are", to.Server+to.Name)
}

// Clusters implements appset.Clusters.
func (d *Destinations) Clusters(ctx context.Context) ([]appset.Cluster, error) {
	secrets, err := d.secrets(ctx)
	if err != nil {
		return nil, err
	}
	var out []appset.Cluster
	for i := range secrets {
		s := &secrets[i]
		r, err := kube.FromSecret(s)
		if err != nil {
			return nil, err
		}
		out = append(out, appset.Cluster{Name: r.Name, Server: r.Server, Project: r.Project, Labels: r.Labels, Annotations: r.Annotations})
	}
	return out, nil
}

func (d *Destinations) secrets(ctx context.Context) ([]corev1.Secret, error) {
	var list corev1.SecretList
	err := d.Reader.List(ctx, &list, client.InNamespace(d.Namespace), client.MatchingLabels{kube.SecretTypeLabel: kube.SecretCluster})
	if err != nil {
		return nil, fmt.Errorf("list cluster secrets in %s: %w", d.Namespace, err)
	}
	return list.Items, nil
}

func (d *Destinations) connect(name, server, version string, config *rest.Config) (*reconcile.Cluster, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c, ok := d.open[server]; ok && c.version == version {
		return c.ports, nil
	}
	cluster, err := kube.Connect(name, config, func(app string, s kube.Sighting) {
		d.See(app, reconcile.Sighting{Key: s.Key, Version: s.Version, Mark: s.Mark, Gone: s.Gone})
	})
	if err != nil {
		return nil, err
	}
	if old, ok := d.open[server]; ok {
		// Its credentials changed. Whoever still uses it sees it close.
		go old.cluster.Close()
	}
	ports := &reconcile.Cluster{
		Name: name, Writer: cluster, Objects: objects{cluster}, Kinds: kinds{cluster}, Schemas: kube.NewSchemas(d.Builtin, cluster),
	}
	if d.open == nil {
		d.open = map[string]*connection{}
	}
	d.open[server] = &connection{version: version, cluster: cluster, ports: ports}
	return ports, nil
}

// watchTimeout bounds the wait for the first list of a kind.
const watchTimeout = 30 * time.Second

// objects makes a connection the flow's reader.
type objects struct{ *kube.Cluster }

// Owned implements reconcile.Objects.
func (o objects) Owned(ctx context.Context, app string, wanted []schema.GroupVersionKind) ([]reconcile.Owned, error) {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	for _, gvk := range wanted {
		if err := o.Watch(ctx, gvk); err != nil && fault.Of(err) != fault.Missing {
			return nil, err
		}
	}
	owned := o.Cluster.Owned(app)
	out := make([]reconcile.Owned, 0, len(owned))
	for _, key := range slices.SortedFunc(maps.Keys(owned), object.Key.Compare) {
		out = append(out, reconcile.Owned{Key: key, Version: owned[key]})
	}
	return out, nil
}

// kinds makes a connection the flow's source of what is served.
type kinds struct{ *kube.Cluster }

// Capabilities implements reconcile.Kinds.
func (k kinds) Capabilities(ctx context.Context) (render.Capabilities, error) {
	served, err := k.Served(ctx)
	return render.Capabilities{KubeVersion: served.Version, APIVersions: served.APIs}, err
}
