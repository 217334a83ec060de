package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/lifecycle"
	"github.com/trueup-dev/trueup/deploy/crds"
	"github.com/trueup-dev/trueup/drift/heat"
	"github.com/trueup-dev/trueup/internal/diskcache"
	"github.com/trueup-dev/trueup/internal/history/sqlite"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/scm"
)

type agentOptions struct {
	agent.Options
	kubeconfig, context string
	installCRDs         bool
	logFormat           string
	scmProviders        bool
	scmRootCA           string
	renderCache         int64 // MiB
	charts              bool
	budget              struct{ count, percent int32 }
	web                 webFileFlags
	previews            agentPreviews
}

func newAgentCommand(s streams) *cobra.Command {
	o := agentOptions{}
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Run the agent that keeps clusters true to Git",
		Long: `Run the agent that keeps clusters true to Git: it watches Applications and ApplicationSets in one cluster,
polls their repositories, and syncs to that cluster and to those that secrets register.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runAgent(cmd.Context(), o, s) },
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	flags := cmd.Flags()
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig file; by default $KUBECONFIG, then the pod's own service account")
	flags.StringVar(&o.context, "context", "", "context of the kubeconfig")
	flags.StringVarP(&o.Namespace, "namespace", "n", "trueup", "namespace of the agent's secrets and lease")
	flags.StringVar(&o.Watch, "watch-namespace", "", "look at applications of this namespace only")
	flags.StringVar(&o.DataDir, "data", filepath.Join(cache, "trueup"), "directory for Git mirrors and the history")
	flags.DurationVar(&o.Poll, "poll", time.Minute, "interval of asking each repository for its refs")
	flags.DurationVar(&o.Sweep, "sweep", 30*time.Minute, "interval of comparing everything anew, in case a watch missed something; applications take turns; 0 is never")
	flags.DurationVar(&o.Unreachable, "unreachable-after", 5*time.Minute, "how long a cluster may not tell what happens in it until its applications are Unknown; 0 is for ever")
	flags.BoolVar(&o.charts, "enable-helm", false, "render helmCharts of kustomizations")
	flags.Int64Var(&o.renderCache, "render-cache", 1024, "MiB on disk for rendered objects, which outlive a restart; 0 keeps none")
	flags.StringVar(&o.Health, "health-address", "127.0.0.1:8081", "address of /healthz and /readyz; 0 is none")
	flags.StringVar(&o.Metrics, "metrics-address", "127.0.0.1:8080", "address of /metrics; 0 is none")
	flags.StringVar(&o.API, "api-address", "127.0.0.1:8082", "loopback address of the API that trueup history asks; 0 is none")
	flags.StringVar(&o.Webhooks, "webhook-address", "0", "address of /api/webhook, to which forges tell of pushes, and of /api/audit/CLUSTER, to which API servers tell of requests, such as :8083; 0 is none")
	flags.StringVar(&o.WebhookCert, "webhook-tls-cert-file", "", "certificate of that address in PEM, read again when it changes; by default it speaks plain HTTP, and an ingress before it must speak TLS")
	flags.StringVar(&o.WebhookKey, "webhook-tls-key-file", "", "key of that certificate in PEM")
	flags.DurationVar(&o.KeepHistory, "keep-history", 90*24*time.Hour, "forget syncs and drift that are older; 0 keeps them all")
	flags.BoolVar(&o.Elect, "leader-elect", true, "let only one of several agents work at a time")
	flags.BoolVar(&o.Files, "allow-file-repositories", false, "let applications name repositories on this machine by file URL")
	o.web.flags(flags)
	o.previews.flags(flags)
	flags.IntVar(&o.Workers, "workers", 8, "applications that are looked at at the same time")
	flags.BoolVar(&o.installCRDs, "install-crds", false, "apply the definitions of Application, ApplicationSet and Project first")
	flags.BoolVar(&o.AmbientKeys, "sops-ambient-credentials", false, "let the agent's own identity in AWS, Azure or Google Cloud open encrypted files, for every project")
	flags.BoolVar(&o.scmProviders, "enable-scm-providers", true, "let ApplicationSets ask forges: generators scmProvider and pullRequest")
	flags.StringSliceVar(&o.Forges.Allowed, "allowed-scm-providers", nil, "addresses of forges' APIs that ApplicationSets may name; by default every one in the agent's namespace, and none elsewhere")
	flags.BoolVar(&o.Forges.Strict, "tokenref-strict", false, "use Secrets with forges' tokens only where they are labelled "+scm.TokenLabel+": "+scm.TokenLabelValue)
	flags.StringVar(&o.scmRootCA, "scm-root-ca-file", "", "file with certificates in PEM that forges are trusted by, beside the system's")
	flags.StringVar(&o.Sets.Policy, "policy", "", "what application sets may do: sync, create-only, create-update or create-delete; by default they say it themselves")
	flags.BoolVar(&o.Sets.Override, "enable-policy-override", false, "let application sets decide against --policy")
	fights := heat.Defaults()
	flags.DurationVar(&o.Fights.HalfLife, "fight-half-life", fights.HalfLife, "time in which it is half forgotten how often drift of a field was corrected")
	flags.IntVar(&o.Fights.Threshold, "fight-threshold", fights.Threshold, "corrections of a field, less what is forgotten, after which it is left alone until they are half forgotten; from 1 to 20")
	allowed := lifecycle.DefaultBudget()
	flags.Int32Var(&o.budget.count, "deletion-budget-count", *allowed.Count, "applications of a set that may be deleted at once without anybody's confirmation, where the set names no budget")
	flags.Int32Var(&o.budget.percent, "deletion-budget-percent", *allowed.Percent, "percentage of a set's applications that may be, if that is more than the count")
	flags.StringVar(&o.logFormat, "log-format", "text", "text or json")
	return cmd
}

func runAgent(ctx context.Context, o agentOptions, s streams) error {
	if err := oneOf("--log-format", o.logFormat, "text", "json"); err != nil {
		return err
	}
	o.Sets.Budget = v1alpha1.DeletionBudget{Count: &o.budget.count, Percent: &o.budget.percent}
	if (o.WebhookCert == "") != (o.WebhookKey == "") {
		return usagef("--webhook-tls-cert-file and --webhook-tls-key-file go together")
	}
	if err := errors.Join(o.Sets.Check(), checkFights(o.Fights)); err != nil {
		return err
	}
	files, err := o.web.options()
	if err != nil {
		return err
	}
	o.WebFiles = files
	if o.Previews, err = o.previews.options(o.Webhooks, o.charts); err != nil {
		return err
	}
	var handler slog.Handler = slog.NewTextHandler(s.err, nil)
	if o.logFormat == "json" {
		handler = slog.NewJSONHandler(s.err, nil)
	}
	o.Log = logr.FromSlogHandler(handler)
	ctrl.SetLogger(o.Log)
	config, err := restConfig(o.kubeconfig, o.context)
	if err != nil {
		return err
	}
	config.UserAgent = "trueup-agent/" + version
	config.QPS = -1
	o.Config = config
	if o.installCRDs {
		if err := installCRDs(ctx, config); err != nil {
			return err
		}
	}
	if o.Forges.Disabled = !o.scmProviders; o.scmRootCA != "" {
		if o.Forges.RootCA, err = os.ReadFile(o.scmRootCA); err != nil {
			return fmt.Errorf("--scm-root-ca-file: %w", err)
		}
	}
	o.Engines = engines(o.charts)
	o.Registry = metrics.Registry
	if o.Rendered, err = renderCache(o); err != nil {
		return err
	}
	past, err := sqlite.Open(ctx, filepath.Join(o.DataDir, "history.db"))
	if err != nil {
		// Clusters come before the memory of what was done to them.
		o.Log.Error(err, "syncs and drift are not remembered until the file is repaired or moved away")
		return agent.Run(ctx, o.Options)
	}
	o.History = past
	return errors.Join(agent.Run(ctx, o.Options), past.Close())
}

// checkFights names the flags in what is wrong with them. Neither may be 0:
// that would be the default.
func checkFights(s heat.Settings) error {
	if s.HalfLife <= 0 || s.Threshold <= 0 {
		return usagef("--fight-half-life and --fight-threshold must be more than 0")
	}
	if err := s.Check(); err != nil {
		return usagef("--fight-half-life, --fight-threshold: %v", err)
	}
	return nil
}

// renderCache opens the folder of rendered objects.
func renderCache(o agentOptions) (render.CacheOptions, error) {
	out := render.CacheOptions{Version: renderVersion(o.charts)}
	if o.renderCache <= 0 {
		return out, nil
	}
	store, err := diskcache.Open(filepath.Join(o.DataDir, "rendered"), diskcache.Options{Bytes: o.renderCache << 20, Version: out.Version})
	if err != nil {
		return out, err
	}
	out.Store = store
	return out, nil
}

// renderVersion stands for everything in this binary that renders. A build
// without a version of its own is told apart by the file that it is. What was
// rendered with charts of kustomizations is no answer to who has them off.
func renderVersion(charts bool) string {
	text := version
	if charts {
		text += " charts"
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			text += " " + m.Path + "@" + m.Version
		}
	}
	if version == "dev" || strings.HasSuffix(version, "-dirty") {
		if path, err := os.Executable(); err == nil {
			if info, err := os.Stat(path); err == nil {
				text += fmt.Sprintf(" %d %s", info.Size(), info.ModTime())
			}
		}
	}
	return text
}

// installCRDs applies our definitions.
func installCRDs(ctx context.Context, config *rest.Config) error {
	definitions, err := crds.Objects()
	if err != nil {
		return err
	}
	cluster, err := kube.Connect("local", config, nil)
	if err != nil {
		return err
	}
	defer cluster.Close()
	return cluster.Install(ctx, definitions)
}
