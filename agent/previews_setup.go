package agent

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/trueup-dev/trueup/agent/previews"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	driftschema "github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/git"
	policies "github.com/trueup-dev/trueup/internal/policy"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/scm"
	"github.com/trueup-dev/trueup/preview/live"
	"github.com/trueup-dev/trueup/preview/risk"
	"github.com/trueup-dev/trueup/preview/trial"
	"github.com/trueup-dev/trueup/reconcile"
)

// PreviewOptions say how pull requests are previewed. The zero value previews
// those of repositories whose Secret says so.
type PreviewOptions struct {
	// Enabled previews those of every repository whose Secret lets into its
	// forge, unless it says no.
	Enabled bool
	// FailOn is the severity of a risk that fails the status, where the Secret
	// names none. Risks are the rules; nil is the built-in ones.
	FailOn risk.Severity
	Risks  *risk.Set
	// Policies are files, folders and globs of a repository with policies, which
	// are read on base.
	Policies []string
	// Instance tells several agents on one repository apart.
	Instance string
	// Interval is between questions for open pull requests; 0 is Options.Poll.
	Interval time.Duration
	// Parallel is how many previews run at once, Timeout bounds one of them; 0
	// is the default.
	Parallel int
	Timeout  time.Duration
	// URL is where people reach the address of webhooks: reports are served
	// there. Empty serves none.
	URL string
	// Live asks destinations what changes come to there, but for those from forks.
	Live bool
	// Untrusted renders changes from forks: it has no keys and tight limits. nil
	// previews none of them.
	Untrusted *render.Renderer
	// Closed renders other changes, unless the repository's Secret trusts its
	// branches: it has no keys. nil renders them as the agent syncs.
	Closed *render.Renderer
}

// previewing is what previews are made of.
type previewing struct {
	flow        *reconcile.Flow
	world       appset.World
	mirrors     *git.Mirrors
	credentials *Credentials
	poller      *Poller
	metrics     *metrics
	// sets have those looked at again that ask a forge about a repository.
	sets func(repositories []string) int
}

// setUp sets up the previews of pull requests, and returns who is told of what
// forges have news of.
func (p previewing) setUp(ctx context.Context, mgr ctrl.Manager, o Options) (pushes, error) {
	out := pushes{inUse: p.poller.InUse, now: func(url string) { p.poller.Now(url) }, sets: p.sets}
	var err error
	if out.pulls, out.pages, err = p.service(ctx, mgr, o); err != nil {
		return out, fmt.Errorf("set up previews of pull requests: %w", err)
	}
	return out, nil
}

// trial renders as the flow does, and writes nothing anywhere.
func (p previewing) trial(o Options, builtin *driftschema.Set) trial.Trial {
	flow := reconcile.Flow{
		Sources: p.flow.Sources, Renderer: p.flow.Renderer, Clusters: p.flow.Clusters, Projects: p.flow.Projects, Namespace: o.Namespace, MaskKey: p.flow.MaskKey, Now: time.Now,
	}
	risks := o.Previews.Risks
	if risks == nil {
		risks = risk.Default()
	}
	t := trial.Trial{Flow: flow, World: p.world, Schemas: builtin, MaskKey: p.flow.MaskKey, Risks: risks, Sets: o.Sets, Now: time.Now}
	t.Policies = &trial.Policies{Paths: o.Previews.Policies, Make: policies.Maker(risks)}
	if o.Previews.Untrusted != nil {
		// What it remembers of successes may be shared: it is what was asked, with
		// the answers.
		t.Guard.Renderer = render.NewCache(o.Previews.Untrusted, o.Rendered)
	}
	return t
}

// judge asks destinations; nil is that nobody does.
func (p previewing) judge(mgr ctrl.Manager, o Options) *live.Judge {
	clusters, ok := p.flow.Clusters.(live.Clusters)
	if !ok || !o.Previews.Live {
		return nil
	}
	return &live.Judge{
		Clusters: clusters, Flow: &reconcile.Flow{Now: time.Now, Namespace: o.Namespace, Rules: p.flow.Rules},
		MaskKey: p.flow.MaskKey, Risks: o.Previews.Risks, Now: time.Now, Known: Known{Reader: mgr.GetClient()}, Limits: live.DefaultLimits(),
	}
}

// service makes the Service, and what serves its pages, nil where nobody does.
func (p previewing) service(ctx context.Context, mgr ctrl.Manager, o Options) (*previews.Service, *previews.Files, error) {
	reach := o.Forges.REST
	reach.Observe = p.metrics.asked
	forges := scm.New(scm.Options{Namespace: o.Namespace, RootCA: o.Forges.RootCA, BitbucketCloud: o.Forges.BitbucketCloud, REST: reach})
	context.AfterFunc(ctx, forges.Close)
	var pages *previews.Files
	var err error
	if o.Previews.URL != "" {
		if pages, err = previews.OpenFiles(filepath.Join(o.DataDir, "previews"), o.Previews.URL, time.Now); err != nil {
			return nil, nil, err
		}
	}
	builtin, err := driftschema.Builtin()
	if err != nil {
		return nil, nil, fmt.Errorf("load the built-in schema: %w", err)
	}
	measured := newPreviewMetrics()
	interval := o.Previews.Interval
	if interval <= 0 {
		interval = o.Poll
	}
	previewer := &previewer{mirrors: p.mirrors, trial: p.trial(o, builtin), live: p.judge(mgr, o), reader: mgr.GetClient(), uses: p.poller.Uses, namespace: o.Namespace, public: p.credentials.public}
	if o.Previews.Closed != nil {
		previewer.closed = render.NewCache(o.Previews.Closed, o.Rendered)
	}
	options := previews.Options{
		Repositories: &previewed{credentials: p.credentials, forges: forges, inUse: p.poller.InUse, options: o.Previews},
		Previewer:    previewer,
		Applications: &previewedApps{client: mgr.GetClient(), mirrors: p.mirrors, namespace: o.Namespace},
		Notes:        previews.NoteFiles{Folder: filepath.Join(o.DataDir, "previews", "noted")},
		Metrics:      previews.Metrics{Previewed: measured.previewed, Commanded: measured.commanded},
		Instance:     o.Previews.Instance, Interval: interval, Timeout: o.Previews.Timeout, Parallel: o.Previews.Parallel,
		Log: o.Log.WithName("previews"),
	}
	if pages != nil {
		options.Pages = pages
	}
	s := previews.New(options)
	if err := measured.register(ctx, o.Registry, s.Waiting); err != nil {
		return nil, nil, err
	}
	if err := watchMoves(ctx, mgr.GetCache(), s.Moved); err != nil {
		return nil, nil, err
	}
	return s, pages, mgr.Add(s)
}

// watchMoves calls when an application has another status, or is gone.
func watchMoves(ctx context.Context, informers cache.Informers, call func(namespace, name string)) error {
	informer, err := informers.GetInformer(ctx, &v1alpha1.Application{}, cache.BlockUntilSynced(false))
	if err != nil {
		return err
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		UpdateFunc: func(before, after any) {
			if a, ok := after.(*v1alpha1.Application); ok && version(before) != version(after) {
				call(a.Namespace, a.Name)
			}
		},
		DeleteFunc: func(o any) {
			if gone, ok := o.(toolscache.DeletedFinalStateUnknown); ok {
				o = gone.Obj
			}
			if a, ok := o.(*v1alpha1.Application); ok {
				call(a.Namespace, a.Name)
			}
		},
	})
	return err
}

// previewMetrics are those of previews.
type previewMetrics struct {
	previews *prometheus.CounterVec
	seconds  prometheus.Histogram
	commands *prometheus.CounterVec
}

func newPreviewMetrics() *previewMetrics {
	return &previewMetrics{
		previews: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trueup_previews_total",
			Help: "Previews of pull requests that ended, by result: changed, unchanged, risky (the gate fails), incomplete (something cannot be rendered), failed, superseded (by a newer head, or closed), panicked.",
		}, []string{"result"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "trueup_preview_duration_seconds", Help: "How long a preview takes, without waiting for its turn and for the forge.",
			Buckets: prometheus.ExponentialBuckets(0.05, 2.5, 10),
		}),
		commands: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trueup_preview_commands_total", Help: "Commands in comments of pull requests, by verb, and by result: done, refused, failed.",
		}, []string{"verb", "result"}),
	}
}

func (m *previewMetrics) previewed(result string, took time.Duration) {
	m.previews.WithLabelValues(result).Inc()
	if result != "superseded" && result != "panicked" {
		m.seconds.Observe(took.Seconds())
	}
}

func (m *previewMetrics) commanded(verb, result string) {
	m.commands.WithLabelValues(verb, result).Inc()
}

// register adds all to a registry until the context ends.
func (m *previewMetrics) register(ctx context.Context, to prometheus.Registerer, waiting func() int) error {
	if to == nil {
		return nil
	}
	queue := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "trueup_preview_queue_length", Help: "Previews of pull requests that wait for their turn.",
	}, func() float64 { return float64(waiting()) })
	for _, c := range []prometheus.Collector{m.previews, m.seconds, m.commands, queue} {
		if err := to.Register(c); err != nil {
			return err
		}
		context.AfterFunc(ctx, func() { to.Unregister(c) })
	}
	return nil
}
