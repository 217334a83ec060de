package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	driftschema "github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/diskcache"
	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/scm/ci"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/comment"
	"github.com/trueup-dev/trueup/preview/page"
	"github.com/trueup-dev/trueup/preview/policy"
	"github.com/trueup-dev/trueup/preview/risk"
	"github.com/trueup-dev/trueup/preview/show"
	"github.com/trueup-dev/trueup/preview/trial"
	"github.com/trueup-dev/trueup/reconcile"
)

type previewOptions struct {
	worldOptions
	repo, base, head string
	urls             []string
	apps             []string
	output           string
	notices          bool
	agent            string
	kubeVersion      string
	untrusted        bool
	charts           bool
	severities       map[string]string
	failOn           string
	policies         []string
	cacheDir         string
	live             liveOptions
	ci               ciOptions
	web              webFileFlags
	sops             sopsOptions
}

func newPreviewCommand(s streams) *cobra.Command { return newPreviewCommandIn(ci.Real(), s) }

func newPreviewCommandIn(env ci.Environment, s streams) *cobra.Command {
	o := previewOptions{ci: ciOptions{env: env}}
	cmd := &cobra.Command{
		Use:   "preview [--base REF] [--head REF]",
		Short: "Tell what merging a change would do, before it is merged",
		Long: `Tell what merging a change of a config repository would do: which applications change, object by object, and what is risky about it.

The repository is the one that --repo DIR is in, this folder by default, or the one at --repo URL. Both commits are read where they are, merged
without touching the work tree, and rendered by the same flow that the agent syncs with; nothing is asked of a cluster without --live.
Applications and ApplicationSets are looked for in the repository, or where --apps says. Those that read nothing the change touches are not
rendered twice.

With --ci, or --pr, the preview is posted to a pull request: one comment, which is edited from then on, and a status of its head.

Exits with
  0  nothing changes
  3  something changes
  4  something could not be rendered, or judged by a cluster (--live)
  1  there is a risk that --fail-on names, whatever else, or the preview failed`,
		Example: `  trueup preview
  trueup preview --repo https://git.example.com/acme/config.git --head feature
  trueup preview --base main --head feature --apps apps/ --clusters clusters.yaml
  trueup preview --base origin/main -o markdown > comment.md
  trueup preview --live --context prod
  trueup preview --ci --fail-on critical`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.ci.trusts = cmd.Flags().Changed("untrusted") && !o.untrusted
			return previewChange(cmd.Context(), o, s)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.base, "base", "", "where the change is to go: a branch, with or without its remote; by default the repository's default branch")
	flags.StringVar(&o.head, "head", "HEAD", "the change: any revision")
	flags.StringArrayVar(&o.urls, "url", nil, "URL by which applications name the repository, beside those of its remotes (repeatable)")
	flags.StringArrayVar(&o.apps, "apps", nil, "file or folder with Applications and ApplicationSets; in the repository it is read on both sides; cluster is what the agent's namespace holds (repeatable; by default all of the repository)")
	o.flags(flags)
	flags.Lookup("repo").Usage = "folder in the config repository (DIR), its URL, or where to read another repository (URL=DIR, repeatable)"
	flags.StringVarP(&o.output, "output", "o", "text", "text, markdown, json or html")
	flags.BoolVar(&o.notices, "notices", false, "list notices in text, too, where they are only counted: risks that are worth knowing, and no more")
	flags.StringVar(&o.agent, "agent-namespace", "trueup", "namespace of the agent: applications in others carry it in their tracking ids")
	flags.StringVar(&o.kubeVersion, "kube-version", "1.37.0", "Kubernetes version that charts are told")
	flags.BoolVar(&o.charts, "enable-helm", false, "render helmCharts of kustomizations")
	flags.StringToStringVar(&o.severities, "risk", nil, "give a rule another severity: RULE=critical|warning|notice|off (repeatable)")
	flags.StringVar(&o.failOn, "fail-on", "off", "exit with 1 when a risk is at least this: critical, warning, notice or off")
	flags.StringArrayVar(&o.policies, "policies", []string{policy.Default}, "file, folder or glob of the repository with policies in Rego, or ValidatingAdmissionPolicies, read on base; cluster is those of the kubeconfig's context (repeatable)")
	flags.StringVar(&o.cacheDir, "cache-dir", defaultCacheDir(), "folder in which rendered objects are kept for the next time; none where it is empty. What was decrypted is never kept")
	flags.BoolVar(&o.untrusted, "untrusted", false, "the change comes from somebody who may not push: no keys, no live objects, nothing that base does not read, tighter bounds; with --ci, by itself for pull requests from forks, and where nobody tells")
	o.live.flags(flags)
	o.ci.flags(flags)
	o.web.flags(flags)
	o.sops.flags(flags)
	return cmd
}

// defaultCacheDir is where users keep what can be made again.
func defaultCacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "trueup", "rendered")
}

// rendering is a renderer with a memory across calls. That of changes which
// are not trusted may be the same: what it keeps is what was asked, with the
// answers, and neither failures nor what was decrypted.
func (o previewOptions) rendering() (reconcile.Renderer, error) {
	renderer := untrustedRenderer(o.charts)
	if !o.untrusted {
		var err error
		if renderer, err = o.sops.renderer(o.charts); err != nil {
			return nil, err
		}
	}
	if o.cacheDir == "" {
		return renderer, nil
	}
	options := render.CacheOptions{Version: renderVersion(o.charts)}
	store, err := diskcache.Open(o.cacheDir, diskcache.Options{Version: options.Version})
	if err != nil {
		return nil, fmt.Errorf("open the folder of rendered objects (--cache-dir): %w", err)
	}
	options.Store = store
	return render.NewCache(renderer, options), nil
}

func previewChange(ctx context.Context, o previewOptions, s streams) error {
	if err := oneOf("--output", o.output, "text", "markdown", "json", "html"); err != nil {
		return err
	}
	if err := oneOf("--fail-on", o.failOn, "critical", "warning", "notice", "off"); err != nil {
		return err
	}
	if err := o.live.check(o.clusters); err != nil {
		return err
	}
	if err := o.pick(); err != nil {
		return err
	}
	if o.ci.on() {
		return previewPull(ctx, o, s)
	}
	report, change, err := o.report(ctx, s)
	if err != nil {
		return err
	}
	if err := o.print(report, change, s); err != nil {
		return err
	}
	return verdict(report, risk.Severity(o.failOn), s)
}

// report previews the change of a copy.
func (o previewOptions) report(ctx context.Context, s streams) (r preview.Report, change trial.Change, err error) {
	severities := map[string]risk.Severity{}
	for rule, severity := range o.severities {
		severities[rule] = risk.Severity(severity)
	}
	risks, err := risk.Default().With(severities)
	if err != nil {
		return r, change, usageError{err}
	}
	copied, closeCopy, err := o.repository(ctx)
	if err != nil {
		return r, change, err
	}
	defer closeCopy()
	credentials, err := o.credentials()
	if err != nil {
		return r, change, err
	}
	repos, closeRepos, err := newRepositories(o.repos, o.web, credentials)
	if err != nil {
		return r, change, err
	}
	defer closeRepos()
	change, err = o.change(ctx, copied, repos)
	if err != nil {
		return r, change, err
	}
	roots, err := o.roots(ctx, s)
	if err != nil {
		return r, change, err
	}
	world, done, err := o.world(s)
	if err != nil {
		return r, change, err
	}
	defer done()
	renderer, err := o.rendering()
	if err != nil {
		return r, change, err
	}
	builtin, err := driftschema.Builtin()
	if err != nil {
		return r, change, fmt.Errorf("load the built-in schema: %w", err)
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return r, change, fmt.Errorf("make a key for secret values: %w", err)
	}
	nowhere := &anywhere{offline: &offline{capabilities: render.NewCapabilities(o.kubeVersion, nil), guessed: map[string]bool{}}}
	t := trial.Trial{
		Flow:  reconcile.Flow{Sources: repos, Renderer: renderer, Clusters: nowhere, Namespace: o.agent},
		World: world, Schemas: builtin, MaskKey: key, Risks: risks, Now: time.Now,
	}
	if o.untrusted {
		t.Guard = trial.Guard{Untrusted: true, Renderer: renderer}
	}
	if t.Policies, err = o.judging(ctx, risks); err != nil {
		return r, change, err
	}
	tried, err := t.Try(ctx, change, roots)
	if errors.Is(err, trial.ErrNothing) {
		err = fmt.Errorf("%w: --apps names a file or a folder that has some, here or in the repository, or the cluster that has them (--apps cluster)", err)
	}
	if err != nil {
		return r, change, fmt.Errorf("preview %s into %s: %w", o.head, change.Branch, err)
	}
	r = tried.Report
	if o.live.on && o.untrusted {
		r.Warnings = append(r.Warnings, "clusters are not asked about a change that is not trusted")
	} else if o.live.on {
		r.Live, err = o.ask(ctx, t, tried, s)
	}
	return r, change, err
}

// pick takes the config repository out of --repo.
func (o *previewOptions) pick() error {
	o.repo = ""
	var others []string
	for _, repo := range o.repos {
		switch {
		case strings.Contains(repo, "="):
			others = append(others, repo)
		case o.repo != "":
			return usagef("--repo names two config repositories: %s and %s", o.repo, repo)
		default:
			o.repo = repo
		}
	}
	o.repos = others
	if o.repo == "" {
		o.repo = "."
	}
	return nil
}

// verdict is the exit code.
func verdict(r preview.Report, failOn risk.Severity, s streams) error {
	for _, f := range r.AllRisks() {
		if f.Severity.AtLeast(failOn) {
			fmt.Fprintf(s.err, "trueup: a risk is %s: %s %s\n", f.Severity, markdown.Visible(f.Object), markdown.Visible(f.Message))
			return exitCode(exitError)
		}
	}
	switch {
	case !r.Complete() || !r.Live.Complete():
		return exitCode(exitIncomplete)
	case r.Changed() > 0 || len(r.Apps) > 0:
		return exitCode(exitDrift)
	}
	return nil
}

func (o previewOptions) print(r preview.Report, c trial.Change, s streams) error {
	switch o.output {
	case "json":
		return printJSON(s.out, r)
	case "html":
		head := o.head
		if head == "HEAD" {
			head = show.Commit(c.Head)
		}
		return page.Write(s.out, r, head+" into "+c.Branch)
	case "markdown":
		repo := ""
		if isURL(o.repo) {
			repo = o.repo
		}
		_, err := fmt.Fprint(s.out, comment.Write(r, comment.Options{Instance: "cli", Alerts: true, Command: o.again(repo, c)}))
		return err
	}
	return printPreview(s, r, o.notices || o.failOn == string(risk.Notice))
}
