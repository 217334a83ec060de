package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	driftschema "github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/live"
	"github.com/trueup-dev/trueup/preview/trial"
	"github.com/trueup-dev/trueup/reconcile"
)

// liveOptions say whether clusters are asked, and how they are reached.
type liveOptions struct {
	on                  bool
	kubeconfig, context string
	objects             int
	patience            time.Duration
}

func (o *liveOptions) flags(flags *pflag.FlagSet) {
	d := live.DefaultLimits()
	flags.BoolVar(&o.on, "live", false, "ask the destinations as well: what they would reject, which live edits would be lost, what has drifted already. Objects are read, and applied and deleted as server-side dry runs")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig file for --live; by default $KUBECONFIG")
	flags.StringVar(&o.context, "context", "", "context of the kubeconfig: the cluster of the agent, which knows the others where --clusters names none")
	flags.IntVar(&o.objects, "live-objects", d.Objects, "ask one cluster about this many objects at most")
	flags.DurationVar(&o.patience, "live-timeout", d.Time, "wait for the answers of one cluster for this long")
}

// check refuses what cannot be meant.
func (o *liveOptions) check(clusters string) error {
	switch {
	case o.objects <= 0 || o.patience <= 0:
		return usagef("--live-objects and --live-timeout must be more than nothing")
	case o.on && clusters == "-":
		return usagef("--live reads the file of --clusters a second time, which standard input does not allow")
	}
	return nil
}

// ask adds what clusters say to a report.
func (o previewOptions) ask(ctx context.Context, t trial.Trial, tried trial.Tried, s streams) (*preview.Live, error) {
	builtin, err := driftschema.Builtin()
	if err != nil {
		return nil, fmt.Errorf("load the built-in schema: %w", err)
	}
	clusters := &liveClusters{options: o.live, builtin: builtin, open: map[string]live.Cluster{}}
	defer clusters.close()
	if err := clusters.read(o, s); err != nil {
		return nil, err
	}
	j := live.Judge{
		Clusters: clusters, Flow: &reconcile.Flow{Now: time.Now, Namespace: o.agent, Rules: clusters.rules(ctx, o.agent, s)},
		MaskKey: t.MaskKey, Risks: t.Risks, Now: time.Now, Limits: live.Limits{Objects: o.live.objects, Time: o.live.patience},
	}
	if clusters.home != nil {
		j.Known = agent.Known{Reader: clusters.home}
	}
	return j.Judge(ctx, tried), ctx.Err()
}

// liveClusters finds destinations: those of a file, and else those that the
// agent's cluster has registered; it is itself the local one.
type liveClusters struct {
	options liveOptions
	builtin *driftschema.Set
	file    string // that secrets are from; empty where they are the agent's
	secrets []corev1.Secret
	// local is the cluster of the current context, home reads from it; noLocal
	// is why there is none.
	local   *rest.Config
	home    client.Reader
	noLocal error
	agents  *agent.Destinations

	documents kube.Documents
	mu        sync.Mutex
	open      map[string]live.Cluster
	closers   []func()
}

var _ live.Clusters = (*liveClusters)(nil)

// homeTimeout bounds each question about applications, rules and clusters.
const homeTimeout = 10 * time.Second

// read finds out which clusters there are. That the current one cannot be
// reached is no error: others may.
func (l *liveClusters) read(o previewOptions, s streams) error {
	if o.clusters != "" {
		secrets, err := o.clusterSecrets(s)
		if err != nil {
			return err
		}
		l.file, l.secrets = o.clusters, secrets
	}
	if l.local, l.noLocal = restConfig(l.options.kubeconfig, l.options.context); l.noLocal != nil {
		return nil
	}
	config := rest.CopyConfig(l.local)
	config.Timeout = homeTimeout
	home, err := kube.NewClient(config)
	if err != nil {
		l.noLocal = err
		return nil
	}
	l.home = home
	l.agents = &agent.Destinations{Local: l.local, Reader: home, Namespace: o.agent, Builtin: l.builtin, See: func(string, reconcile.Sighting) {}}
	l.closers = append(l.closers, l.agents.Close)
	return nil
}

func (l *liveClusters) close() {
	for _, c := range l.closers {
		c()
	}
}

// rules are those of all applications. Where they cannot be read, none count.
func (l *liveClusters) rules(ctx context.Context, namespace string, s streams) reconcile.Rules {
	if l.home == nil {
		return nil
	}
	rules := &agent.Rules{Reader: l.home, Namespace: namespace}
	if _, _, err := rules.Rules(ctx); err != nil {
		fmt.Fprintf(s.err, "warning: rules about what may differ, which hold for all applications, do not count: %v\n", err)
		return nil
	}
	return rules
}

// Rehearse implements live.Clusters.
func (l *liveClusters) Rehearse(ctx context.Context, to v1alpha1.ApplicationDestination) (live.Cluster, error) {
	local := to.Name == appset.LocalName || to.Server == appset.LocalServer
	for i := range l.secrets {
		r := kube.Identify(&l.secrets[i])
		if to.Server != "" && r.Server == to.Server || to.Name != "" && r.Name == to.Name {
			return l.registered(ctx, &l.secrets[i])
		}
	}
	switch {
	case l.file != "" && !local:
		return live.Cluster{}, fault.New(fault.Missing, "%s does not name the cluster %s", l.file, cmp.Or(to.Name, to.Server))
	case l.noLocal != nil:
		return live.Cluster{}, l.noLocal
	case l.file != "":
		return l.connect(ctx, appset.LocalName, l.local)
	}
	cluster, err := l.agents.Rehearse(ctx, to)
	if local && (apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err)) { // one need not be allowed to read Secrets
		return l.connect(ctx, appset.LocalName, l.local)
	}
	return cluster, err
}

// registered connects to a cluster of the file: with the credentials that its
// Secret holds, or else those of the context that has its name.
func (l *liveClusters) registered(ctx context.Context, secret *corev1.Secret) (live.Cluster, error) {
	r := kube.Identify(secret)
	if len(secret.Data["config"]) > 0 {
		r, err := kube.FromSecret(secret)
		if err != nil {
			return live.Cluster{}, err
		}
		return l.connect(ctx, r.Name, r.Config)
	}
	config, err := restConfig(l.options.kubeconfig, r.Name)
	if err != nil {
		return live.Cluster{}, fault.New(fault.Denied, "%s holds no credentials of the cluster %s, and the kubeconfig no context of that name: %v", l.file, r.Name, err)
	}
	return l.connect(ctx, r.Name, config)
}

func (l *liveClusters) connect(ctx context.Context, name string, config *rest.Config) (live.Cluster, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c, ok := l.open[name]; ok {
		return c, nil
	}
	cluster, err := kube.Connect(name, config, nil)
	if err != nil {
		return live.Cluster{}, err
	}
	ports, err := kube.Live(ctx, cluster, kube.NewSchemas(l.builtin, cluster, &l.documents), kube.NewRehearsal(cluster, l.builtin, nil))
	if err != nil {
		cluster.Close()
		return live.Cluster{}, err
	}
	l.open[name] = ports
	l.closers = append(l.closers, cluster.Close)
	return ports, nil
}

// clusterSecrets are the cluster Secrets of --clusters.
func (o worldOptions) clusterSecrets(s streams) ([]corev1.Secret, error) {
	objects, err := readObjects(o.clusters, s.in)
	if err != nil {
		return nil, err
	}
	var out []corev1.Secret
	var failures []error
	for _, u := range objects {
		if u.GetKind() != "Secret" || u.GetLabels()[kube.SecretTypeLabel] != kube.SecretCluster {
			continue
		}
		secret, err := secretOf(u)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		out = append(out, *secret)
	}
	if len(failures) == 0 && len(out) == 0 {
		return nil, fault.New(fault.Invalid, "%s holds no Secret with the label %s: %s", o.clusters, kube.SecretTypeLabel, kube.SecretCluster)
	}
	return out, errors.Join(failures...)
}
