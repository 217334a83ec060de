package agent

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	driftschema "github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/kube"
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
	// Tried is told the result of each dry run; nil measures nothing.
	Tried func(result string)
	// Patience is how long the watches of a cluster may be broken until what
	// is known of it does not count any more; 0 is for ever.
	Patience time.Duration

	costs     costs
	documents kube.Documents
	mu        sync.Mutex
	open      map[string]*connection // by server
	closing   sync.WaitGroup         // connections that others took the place of
}

// credentials are what of a secret makes a connection: its labels, annotations
// and project may change without another one. The zero value is the agent's
// own cluster.
type credentials [sha256.Size]byte

func credentialsOf(secret *corev1.Secret) credentials {
	h := sha256.New()
	for _, part := range []string{kube.Identify(secret).Name, string(secret.Data["server"]), string(secret.Data["config"])} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return credentials(h.Sum(nil))
}

type connection struct {
	by      credentials
	cluster *kube.Cluster
	objects observed
	ports   *reconcile.Cluster
	// rehearsal asks it about previews.
	rehearsal *kube.Rehearsal
	// replaced counts the connections to the same server before this one.
	replaced int
}

var (
	_ reconcile.Clusters = (*Destinations)(nil)
	_ appset.Clusters    = (*Destinations)(nil)
)

// Close ends all connections.
func (d *Destinations) Close() {
	defer d.closing.Wait()
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
		r := kube.Identify(&secrets[i])
		if to.Server != "" && r.Server == to.Server || to.Name != "" && r.Name == to.Name {
			return d.registered(&secrets[i])
		}
	}
	if to.Server == appset.LocalServer || to.Name == appset.LocalName {
		return d.connect(kube.Registration{Name: appset.LocalName, Server: appset.LocalServer, Config: d.Local}, credentials{})
	}
	return nil, fault.New(fault.Missing, "the cluster %s is not registered; 'trueup cluster list' shows those that are", to.Server+to.Name)
}

// named is the open connection to a cluster; nil where there is none.
func (d *Destinations) named(cluster string) *kube.Cluster {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.open {
		if c.ports.Name == cluster {
			return c.cluster
		}
	}
	return nil
}

// registers reports whether there is a cluster of that name.
func (d *Destinations) registers(ctx context.Context, cluster string) (bool, error) {
	secrets, err := d.secrets(ctx)
	if err != nil {
		return false, err
	}
	for i := range secrets {
		if kube.Identify(&secrets[i]).Name == cluster {
			return true, nil
		}
	}
	return cluster == appset.LocalName, nil
}

// Clusters implements appset.Clusters.
func (d *Destinations) Clusters(ctx context.Context) ([]appset.Cluster, error) {
	secrets, err := d.secrets(ctx)
	if err != nil {
		return nil, err
	}
	var out []appset.Cluster
	for i := range secrets {
		// Credentials that cannot be read are told by the applications that go
		// there; the cluster is registered all the same.
		out = append(out, kube.Identify(&secrets[i]).Cluster())
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

// registered connects to the cluster of a secret, anew where its credentials
// are others than at the last time.
func (d *Destinations) registered(secret *corev1.Secret) (*reconcile.Cluster, error) {
	d.mu.Lock()
	c, ok := d.open[kube.Identify(secret).Server]
	d.mu.Unlock()
	by := credentialsOf(secret)
	if ok && c.by == by {
		return c.ports, nil
	}
	r, err := kube.FromSecret(secret)
	if err != nil {
		return nil, err
	}
	return d.connect(r, by)
}

func (d *Destinations) connect(r kube.Registration, by credentials) (*reconcile.Cluster, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c, ok := d.open[r.Server]; ok && c.by == by {
		return c.ports, nil
	}
	if d.costs.requests == nil {
		d.costs = newCosts()
	}
	cluster, err := kube.Connect(r.Name, d.costs.counting(r.Name, r.Config), d.See)
	if err != nil {
		return nil, err
	}
	replaced := 0
	if old, ok := d.open[r.Server]; ok {
		// Its credentials changed. Whoever still uses it sees it close.
		d.closing.Go(old.cluster.Close)
		replaced = old.replaced + 1
	}
	objects := observed{Cluster: cluster, name: r.Name, reads: d.costs.reads.WithLabelValues(r.Name), patience: d.Patience}
	ports := &reconcile.Cluster{
		Name: r.Name, Server: r.Server, Writer: cluster, Objects: objects, Kinds: cluster, Schemas: kube.NewSchemas(d.Builtin, cluster, &d.documents),
		Contents: cluster, Trials: kube.NewTrials(cluster, d.Tried),
	}
	if d.open == nil {
		d.open = map[string]*connection{}
	}
	d.open[r.Server] = &connection{by, cluster, objects, ports, kube.NewRehearsal(cluster, d.Builtin, d.Tried), replaced}
	return ports, nil
}

// connections lists those that are open, in the order of their servers.
func (d *Destinations) connections() []*connection {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]*connection, 0, len(d.open))
	for _, server := range slices.Sorted(maps.Keys(d.open)) {
		out = append(out, d.open[server])
	}
	return out
}

// unregistered lists the connections to clusters that no secret registers any
// more.
func (d *Destinations) unregistered(ctx context.Context) ([]*connection, error) {
	open := d.connections() // first: what is connected to from here on may be of a newer secret
	secrets, err := d.secrets(ctx)
	if err != nil {
		return nil, err
	}
	registered := map[string]bool{appset.LocalServer: true}
	for i := range secrets {
		registered[kube.Identify(&secrets[i]).Server] = true
	}
	return slices.DeleteFunc(open, func(c *connection) bool { return registered[c.ports.Server] }), nil
}

// leave closes a connection, unless another one took its place.
func (d *Destinations) leave(c *connection) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open[c.ports.Server] == c {
		delete(d.open, c.ports.Server)
		d.closing.Go(c.cluster.Close)
	}
}
