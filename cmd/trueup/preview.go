package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-dev/trueup/api/document"
	driftschema "github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/diskcache"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/merge"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/scm/ci"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/comment"
	"github.com/trueup-dev/trueup/preview/page"
	"github.com/trueup-dev/trueup/preview/risk"
	"github.com/trueup-dev/trueup/preview/trial"
	"github.com/trueup-dev/trueup/reconcile"
)

type previewOptions struct {
	worldOptions
	repo, base, head string
	urls             []string
	apps             []string
	output           string
	agent            string
	kubeVersion      string
	charts           bool
	severities       map[string]string
	failOn           string
	cacheDir         string
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

The repository is the one that --repo DIR is in, this folder by default. Both commits are read where they are, merged without touching the
work tree, and rendered by the same flow that the agent syncs with; nothing is asked of a cluster. Applications and ApplicationSets are
looked for in the repository, or where --apps says. Those that read nothing the change touches are not rendered twice.

With --ci, or --pr, the preview is posted to a pull request: one comment, which is edited from then on, and a status of its head.

Exits with 0 when nothing changes, 3 when something does, 4 when something could not be rendered, 1 when --fail-on finds a risk.`,
		Example: `  trueup preview
  trueup preview --base main --head feature --apps apps/ --clusters clusters.yaml
  trueup preview --base origin/main -o markdown > comment.md
  trueup preview --ci --fail-on critical`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return previewChange(cmd.Context(), o, s)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.base, "base", "", "where the change is to go: a branch, with or without its remote; by default the repository's default branch")
	flags.StringVar(&o.head, "head", "HEAD", "the change: any revision")
	flags.StringArrayVar(&o.urls, "url", nil, "URL by which applications name the repository, beside those of its remotes (repeatable)")
	flags.StringArrayVar(&o.apps, "apps", nil, "file or folder with Applications and ApplicationSets; in the repository it is read on both sides (repeatable; by default all of the repository)")
	o.flags(flags)
	flags.Lookup("repo").Usage = "folder in the config repository (DIR), or where to read another repository (URL=DIR, repeatable)"
	flags.StringVarP(&o.output, "output", "o", "text", "text, markdown, json or html")
	flags.StringVar(&o.agent, "agent-namespace", "trueup", "namespace of the agent: applications in others carry it in their tracking ids")
	flags.StringVar(&o.kubeVersion, "kube-version", "1.37.0", "Kubernetes version that charts are told")
	flags.BoolVar(&o.charts, "enable-helm", false, "render helmCharts of kustomizations")
	flags.StringToStringVar(&o.severities, "risk", nil, "give a rule another severity: RULE=critical|warning|notice|off (repeatable)")
	flags.StringVar(&o.failOn, "fail-on", "off", "exit with 1 when a risk is at least this: critical, warning, notice or off")
	flags.StringVar(&o.cacheDir, "cache-dir", defaultCacheDir(), "folder in which rendered objects are kept for the next time; none where it is empty. What was decrypted is never kept")
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

// rendering is a renderer with a memory across calls.
func (o previewOptions) rendering() (reconcile.Renderer, error) {
	renderer, err := o.sops.renderer(o.charts)
	if err != nil || o.cacheDir == "" {
		return renderer, err
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
	copied, err := git.OpenCopy(o.repo)
	if err != nil {
		return r, change, err
	}
	repos, closeRepos, err := newRepositories(o.repos, o.web, nil)
	if err != nil {
		return r, change, err
	}
	defer closeRepos()
	change, err = o.change(ctx, copied, repos)
	if err != nil {
		return r, change, err
	}
	roots, err := o.roots(s)
	if err != nil {
		return r, change, err
	}
	world, done, err := o.offline(s)
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
	r, err = t.Run(ctx, change, roots)
	if err != nil {
		return r, change, fmt.Errorf("preview %s into %s: %w", o.head, change.Branch, err)
	}
	return r, change, nil
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
	for _, f := range r.Risks {
		if f.Severity.AtLeast(failOn) {
			fmt.Fprintf(s.err, "trueup: a risk is %s: %s %s\n", f.Severity, f.Object, f.Message)
			return exitCode(exitError)
		}
	}
	switch {
	case !r.Complete():
		return exitCode(exitIncomplete)
	case r.Changed() > 0 || len(r.Apps) > 0:
		return exitCode(exitDrift)
	}
	return nil
}

// change opens both sides and what merging makes of them.
func (o previewOptions) change(ctx context.Context, c *git.Copy, repos *repositories) (trial.Change, error) {
	urls, remotes := c.Remotes()
	def := c.DefaultBranch()
	branch := o.base
	if branch == "" {
		branch = def
	}
	baseRef := branch
	for _, remote := range remotes {
		branch = strings.TrimPrefix(branch, remote+"/")
	}
	branch = cmp.Or(o.ci.target, branch)
	out := trial.Change{URLs: slices.Concat(o.urls, urls), Branch: branch, Default: branch == def}
	base, err := c.Commit(baseRef)
	if err != nil && o.base == "" {
		base, err = c.Commit("refs/remotes/origin/" + branch)
	}
	if err != nil {
		return out, err
	}
	if out.Head, err = c.Commit(o.head); err != nil {
		return out, err
	}
	common, err := c.MergeBase(base, out.Head)
	if err != nil {
		return out, err
	}
	open := func(commit string) (snapshot.Tree, error) {
		return repos.sources.Git.Tree(ctx, snapshot.Location{RepoURL: c.URL(), Revision: commit})
	}
	if out.Base, err = open(base); err != nil {
		return out, err
	}
	if out.Merged, err = open(out.Head); err != nil || common == base {
		return out, err
	}
	if common == out.Head {
		out.Merged = out.Base // it is merged already
		return out, nil
	}
	before, err := open(common)
	if err != nil {
		return out, err
	}
	merged, err := merge.Trees(before.FS, out.Base.FS, out.Merged.FS)
	if err != nil {
		return out, fmt.Errorf("merge %.7s into %.7s: %w", out.Head, base, err)
	}
	out.Conflicts = merged.Conflicts
	commit := out.Merged.Commit
	commit.SHA = "merge of " + commit.Short() + " into " + out.Base.Commit.Short()
	out.Merged = snapshot.Tree{Commit: commit, FS: merged.FS}
	return out, nil
}

// roots are where applications are described. What is in the repository is
// read from its commits.
func (o previewOptions) roots(s streams) (trial.Roots, error) {
	if len(o.apps) == 0 {
		return trial.Roots{Paths: []string{"."}}, nil
	}
	top, err := workTree(o.repo)
	if err != nil {
		return trial.Roots{}, err
	}
	out := trial.Roots{Strict: true}
	for _, name := range o.apps {
		full, err := filepath.Abs(filepath.Join(o.repo, name))
		if err != nil {
			return out, err
		}
		if inside, err := filepath.Rel(top, full); err == nil && top != "" && inside != ".." && !strings.HasPrefix(inside, "../") {
			out.Paths = append(out.Paths, filepath.ToSlash(inside))
			continue
		}
		if err := readGiven(name, &out.Given, s); err != nil {
			return out, err
		}
	}
	return out, nil
}

// workTree is the top of the work tree that a folder is in; empty for a bare
// repository.
func workTree(folder string) (string, error) {
	at, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(at, ".git")); err == nil {
			return at, nil
		}
		if filepath.Dir(at) == at {
			return "", nil
		}
		at = filepath.Dir(at)
	}
}

// readGiven reads documents of a file, or of all files of a folder.
func readGiven(name string, into *document.Documents, s streams) error {
	info, err := os.Stat(name)
	if err != nil {
		return fmt.Errorf("read applications: %w", err)
	}
	files := []string{name}
	if info.IsDir() {
		files = nil
		for _, pattern := range []string{"*.yaml", "*.yml", "*.json"} {
			more, err := filepath.Glob(filepath.Join(name, pattern))
			if err != nil {
				return err
			}
			files = append(files, more...)
		}
		if len(files) == 0 {
			return fault.New(fault.Invalid, "the folder %s holds no YAML or JSON files", name)
		}
	}
	for _, file := range files {
		docs, err := readDocuments(file, s)
		if err != nil {
			return err
		}
		into.Applications = append(into.Applications, docs.Applications...)
		into.ApplicationSets = append(into.ApplicationSets, docs.ApplicationSets...)
	}
	return nil
}

func (o previewOptions) print(r preview.Report, c trial.Change, s streams) error {
	switch o.output {
	case "json":
		return printJSON(s.out, r)
	case "html":
		return page.Write(s.out, r, o.head+" into "+c.Branch)
	case "markdown":
		command := "trueup preview --base " + c.Branch + " --head " + o.head
		_, err := fmt.Fprint(s.out, comment.Write(r, comment.Options{Instance: "cli", Alerts: true, Command: command}))
		return err
	}
	return printPreview(s, r)
}
