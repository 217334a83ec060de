package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/trueup-dev/trueup/agent/controller"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/lifecycle"
	"github.com/trueup-dev/trueup/drift/heat"
	driftschema "github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/history"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/registry"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/scm"
	"github.com/trueup-dev/trueup/reconcile"
)

// Options say how an agent runs.
type Options struct {
	// Watch limits the agent to the applications of one namespace; empty is
	// all of them.
	Watch string
	// Config reaches the cluster that holds the applications.
	Config *rest.Config
	// Namespace is the agent's: secrets and leases are in it, and tracking
	// ids of its applications carry their name alone.
	Namespace string
	// DataDir holds mirrors.
	DataDir string
	// Poll and Sweep are the intervals of asking repositories, and of
	// comparing everything anew.
	Poll, Sweep time.Duration
	// Unreachable is how long a cluster may not tell what happens in it until
	// its applications are Unknown; 0 is for ever.
	Unreachable time.Duration
	// Health and Metrics are addresses to listen on; "0" is none.
	Health, Metrics string
	// Elect has one of several agents work at a time.
	Elect bool
	// Files lets applications name repositories by file URL.
	Files bool
	// WebFiles says which files of web servers charts may take values from.
	WebFiles registry.FileOptions
	Workers  int
	// History remembers syncs and drift; nil forgets them. Entries older than
	// KeepHistory are forgotten; 0 keeps them all.
	History     history.Store
	KeepHistory time.Duration
	// API is the loopback address at which History answers; "0" is none.
	API string
	// Webhooks is the address at which forges tell of pushes, and API servers of
	// requests; "0" is none.
	Webhooks string
	// WebhookCert and WebhookKey are files in PEM, read again when they change;
	// without them Webhooks speaks plain HTTP, which API servers send no token
	// over.
	WebhookCert, WebhookKey string
	// Registry takes the agent's own metrics; nil measures nothing.
	Registry prometheus.Registerer
	// Engines render all but plain directories; Rendered says where their
	// results are kept.
	Engines  map[render.Type]render.Engine
	Rendered render.CacheOptions
	// AmbientKeys lets the agent's own identity in a cloud open encrypted
	// files, for every project.
	AmbientKeys bool
	// Forges says which forges generators of ApplicationSets may ask.
	Forges scm.Options
	// Previews say which pull requests are previewed, and how.
	Previews PreviewOptions
	// Fights say when something that keeps coming back is left alone.
	Fights heat.Settings
	// Sets is what counts for all application sets.
	Sets lifecycle.Agent
	Log  logr.Logger
}

// Lease times. The lease is renewed rarely, because renewing is what a
// resting agent mostly does.
const (
	leaseDuration = 60 * time.Second
	renewDeadline = 40 * time.Second
	retryPeriod   = 10 * time.Second
)

// Run runs an agent until the context ends. All that it started has stopped
// when it returns.
func Run(ctx context.Context, o Options) error {
	if err := errors.Join(o.Sets.Check(), o.Fights.Check()); err != nil {
		return err
	}
	mgr, err := newManager(o)
	if err != nil {
		return err
	}
	builtin, err := driftschema.Builtin()
	if err != nil {
		return fmt.Errorf("load the built-in schema: %w", err)
	}
	maskKey := make([]byte, 32)
	if _, err := rand.Read(maskKey); err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	credentials := &Credentials{Reader: mgr.GetClient(), Namespace: o.Namespace, Log: o.Log.WithName("credentials")}
	mirrors := git.New(git.Options{Dir: o.DataDir + "/mirrors", Files: o.Files, Credentials: credentials})
	defer mirrors.Close()
	sources := Sources{Git: mirrors, Registry: registry.New(registry.Options{
		Dir: o.DataDir + "/charts", Credentials: RegistryCredentials{From: credentials}, Files: o.WebFiles,
	})}
	measured := newMetrics()
	poller := &Poller{Mirrors: sources, Interval: o.Poll, Log: o.Log.WithName("poller"), Polled: measured.polled}
	apps := &controller.Applications{Client: mgr.GetClient(), Repositories: poller, Sweep: o.Sweep, Workers: o.Workers, Events: mgr.GetEventRecorder("trueup-agent")}
	destinations := &Destinations{
		Local: o.Config, Reader: mgr.GetClient(), Namespace: o.Namespace, Builtin: builtin, See: apps.See, Tried: measured.tried, Patience: o.Unreachable, costs: measured.costs,
	}
	defer destinations.Close()
	told := &auditor{clusters: destinations, wake: apps.WakeID, metrics: measured, log: o.Log.WithName("audit"), now: time.Now}
	decrypter, err := newDecrypter(ctx, mgr, o, func(app *v1alpha1.Application) { apps.Wake(client.ObjectKeyFromObject(app)) })
	if err != nil {
		return err
	}
	rendered := render.NewCache(render.New(o.Engines, render.DefaultLimits()).Decrypting(decrypter), o.Rendered)
	apps.Flow = &reconcile.Flow{
		Sources: sources, Renderer: rendered, Clusters: destinations, Projects: Projects{Reader: mgr.GetClient(), Namespace: o.Namespace, Credentials: credentials},
		Journal: journal{Applications: apps, history: o.History, repeats: &repeats{past: o.History}, metrics: measured, log: o.Log.WithName("journal")},
		Now:     time.Now, Patience: render.DefaultLimits().Time, Namespace: o.Namespace, MaskKey: maskKey, Fights: o.Fights,
		Compared: measured.costs.compared, Rules: &Rules{Reader: mgr.GetClient(), Namespace: o.Namespace}, Audit: told,
	}
	declarations := &Declarations{History: sources, Wake: apps.WakeAfter, Now: time.Now, Log: o.Log.WithName("blame")}
	apps.Flow.Declarations = declarations
	local, err := kube.Connect(appset.LocalName, o.Config, nil)
	if err != nil {
		return err
	}
	defer local.Close()
	world := appset.World{Clusters: destinations, Repositories: sources, Now: time.Now}
	world.Decisions, world.Plugins = Generators(local, mgr.GetAPIReader(), o.Namespace)
	world.Forges, world.States = forges(ctx, mgr, o, measured)
	sets := &controller.ApplicationSets{
		Client: mgr.GetClient(), Repositories: poller, World: world,
		Agent: o.Sets, Namespace: o.Namespace, Projects: apps.Flow.Projects, Unseen: apps.Touched, Events: mgr.GetEventRecorder("trueup-agent"), Workers: o.Workers,
	}
	poller.Wake = waking(ctx, apps, sets)
	if err := errors.Join(apps.SetUp(mgr), sets.SetUp(mgr), mgr.Add(poller), mgr.Add(declarations), mgr.Add(sweeping{mirrors, o.Log.WithName("mirrors")}),
		mgr.Add(reachability{destinations, apps.WakeCluster, o.Log.WithName("clusters")})); err != nil {
		return fmt.Errorf("set up the controllers: %w", err)
	}
	pushed, err := previewing{apps.Flow, world, mirrors, credentials, poller, measured, sets.Concerned}.setUp(ctx, mgr, o)
	wakeAll := func(app *v1alpha1.Application) { apps.Wake(client.ObjectKeyFromObject(app)) }
	err = errors.Join(err, watchCredentials(ctx, mgr.GetCache(), o.Namespace, pushed), serveWebhooks(ctx, mgr, o, pushed, told),
		watchRules(ctx, mgr.GetCache(), mgr.GetClient(), o.Log.WithName("rules"), wakeAll))
	if err != nil {
		return fmt.Errorf("set up what wakes the poller: %w", err)
	}
	forget, err := measured.register(o.Registry, mgr.GetClient(), renders(rendered.Stats), expansions(sets.Expansions), unreachable{destinations})
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	defer forget()
	if err := serveHistory(ctx, mgr, o); err != nil {
		return err
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("run the agent: %w", err)
	}
	return nil
}

// waking wakes an application or a set, where what it read changed.
func waking(ctx context.Context, apps *controller.Applications, sets *controller.ApplicationSets) func(types.NamespacedName) {
	return func(who types.NamespacedName) {
		if set, ok := controller.SetName(who); ok {
			if sets.Touched(ctx, set) {
				sets.Wake(set)
			}
			return
		}
		if apps.Touched(ctx, who) {
			apps.Wake(who)
		}
	}
}

func newManager(o Options) (ctrl.Manager, error) {
	scheme, err := kube.NewScheme()
	if err != nil {
		return nil, err
	}
	lease, renew, retry := leaseDuration, renewDeadline, retryPeriod
	var everywhere map[string]cache.Config
	if o.Watch != "" {
		everywhere = map[string]cache.Config{o.Watch: {}}
	}
	mgr, err := ctrl.NewManager(o.Config, ctrl.Options{
		Scheme: scheme, Logger: o.Log,
		// Several agents in one process are only found in tests.
		Controller: config.Controller{SkipNameValidation: new(true)},
		Cache:      cache.Options{DefaultNamespaces: everywhere, ByObject: watched(o.Namespace)},
		Metrics:    metricsserver.Options{BindAddress: o.Metrics}, HealthProbeBindAddress: o.Health,
		LeaderElection: o.Elect, LeaderElectionID: "trueup-agent", LeaderElectionNamespace: o.Namespace, LeaderElectionReleaseOnCancel: true,
		LeaseDuration: &lease, RenewDeadline: &renew, RetryPeriod: &retry,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the agent: %w", err)
	}
	synced := func(req *http.Request) error {
		if !mgr.GetCache().WaitForCacheSync(req.Context()) {
			return errors.New("the caches are not filled yet")
		}
		return nil
	}
	return mgr, errors.Join(mgr.AddHealthzCheck("ping", healthz.Ping), mgr.AddReadyzCheck("caches", synced))
}
