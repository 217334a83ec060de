package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/api/document"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/registry"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/reconcile"
)

// repositories opens the repositories that documents name: from a local
// directory where the user mapped the URL to one, from Git otherwise.
type repositories struct {
	local   map[string]string
	sources agent.Sources
}

// parseRepositories reads --repo URL=DIR flags.
func parseRepositories(flags []string) (map[string]string, error) {
	local := make(map[string]string, len(flags))
	for _, flag := range flags {
		// A URL may hold "=" in its query, a directory hardly ever does.
		i := strings.LastIndex(flag, "=")
		if i <= 0 || i == len(flag)-1 {
			return nil, usagef("--repo %q: want URL=DIR", flag)
		}
		local[flag[:i]] = flag[i+1:]
	}
	return local, nil
}

// newRepositories keeps mirrors and charts in a folder of its own that close removes.
// Without credentials only public repositories can be read.
func newRepositories(flags []string, web webFileFlags, credentials *agent.Credentials) (*repositories, func(), error) {
	local, err := parseRepositories(flags)
	if err != nil {
		return nil, nil, err
	}
	files, err := web.options()
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "trueup-mirrors-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a folder for what is fetched: %w", err)
	}
	var forGit git.Credentials = git.Public{}
	if credentials != nil {
		forGit = credentials
	}
	sources := agent.Sources{
		Git: git.New(git.Options{Dir: filepath.Join(dir, "mirrors"), Files: true, Credentials: forGit}),
		Registry: registry.New(registry.Options{
			Dir: filepath.Join(dir, "charts"), Credentials: agent.RegistryCredentials{From: credentials}, Files: files,
		}),
	}
	return &repositories{local: local, sources: sources}, func() { _ = os.RemoveAll(dir) }, nil
}

// Tree returns the files of a repository at a revision. A mapped directory is
// taken as it is, whatever the revision.
func (r *repositories) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	if dir, ok := r.local[at.RepoURL]; ok {
		return snapshot.Dir(dir)
	}
	return r.sources.Tree(ctx, at)
}

type renderOptions struct {
	worldOptions
	file        string
	kubeVersion string
	agent       string
	output      string
	explain     bool
	charts      bool
	web         webFileFlags
	sops        sopsOptions
	showSecrets bool
}

func newRenderCommand(s streams) *cobra.Command {
	var o renderOptions
	cmd := &cobra.Command{
		Use:   "render -f APP.yaml [--repo URL=DIR ...]",
		Short: "Print what an Application would apply, without any cluster",
		Long: `Print what the agent would apply for an Application: what its source describes, in the namespaces that it goes to, with the marks by
which the agent knows its own. An ApplicationSet is expanded first, as by 'trueup appset generate'. Nothing is asked of a cluster; a kind that is neither built in nor defined beside it is taken for one that
lives in namespaces.

Files that SOPS encrypted are opened with the keys of the command line. Where that was needed, the values of Secrets are masked,
unless --show-secrets asks for them.`,
		Example: `  trueup render -f web.yaml
  trueup render -f web.yaml --repo https://git.example.com/config.git=. --show-secrets | kubectl apply --dry-run=server -f -`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.explain && !cmd.Flags().Changed("output") {
				o.output = "text"
			}
			return renderFile(cmd.Context(), o, s)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "filename", "f", "", "file with Applications and ApplicationSets; - is standard input")
	o.flags(flags)
	flags.StringVar(&o.agent, "agent-namespace", "trueup", "namespace of the agent: applications in others carry it in their tracking ids")
	flags.StringVar(&o.kubeVersion, "kube-version", "1.37.0", "Kubernetes version that charts are told")
	flags.StringVarP(&o.output, "output", "o", "yaml", "yaml, json or name")
	flags.BoolVar(&o.charts, "enable-helm", false, "render helmCharts of kustomizations")
	flags.BoolVar(&o.explain, "explain", false, "print what the objects depend on instead: every file, listing and absent path that rendering asked for (text, or -o json)")
	flags.BoolVar(&o.showSecrets, "show-secrets", false, "print the values of Secrets also where files were decrypted")
	o.web.flags(flags)
	o.sops.flags(flags)
	return cmd
}

func renderFile(ctx context.Context, o renderOptions, s streams) error {
	if o.file == "" {
		return usagef("render needs -f APP.yaml")
	}
	allowed := []string{"yaml", "json", "name"}
	if o.explain {
		allowed = []string{"text", "json", "yaml"}
	}
	if err := oneOf("--output", o.output, allowed...); err != nil {
		return err
	}
	docs, err := readDocuments(o.file, s)
	if err != nil {
		return err
	}
	apps, err := o.expanded(ctx, docs, s)
	if err != nil {
		return err
	}
	if len(apps) == 0 {
		return fault.New(fault.Invalid, "%s holds no Application", o.file)
	}
	repos, closeRepos, err := newRepositories(o.repos, o.web, nil)
	if err != nil {
		return err
	}
	defer closeRepos()
	renderer, err := o.sops.renderer(o.charts)
	if err != nil {
		return err
	}
	var objects []*unstructured.Unstructured
	var reads []explained
	var errs []error
	for i := range apps {
		app := &apps[i]
		desired, err := renderApplication(ctx, reconcile.Flow{Sources: repos, Renderer: renderer, Namespace: o.agent}, app, o, s)
		if read := explain(app.Name, desired, err); err == nil || len(read.Sources) > 0 {
			reads = append(reads, read)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		objects = append(objects, unmask(o.showSecrets || !desired.Sensitive, desired.Objects)...)
	}
	failure := errors.Join(errs...)
	if o.explain && len(reads) > 0 {
		return errors.Join(failure, printExplained(s.out, o.output, reads))
	}
	if failure != nil {
		return failure
	}
	return printObjects(s.out, o.output, objects)
}

// expanded are the Applications of a file, and those of its sets.
func (o renderOptions) expanded(ctx context.Context, docs document.Documents, s streams) ([]v1alpha1.Application, error) {
	if len(docs.ApplicationSets) == 0 {
		return docs.Applications, nil
	}
	world, done, err := o.offline(s)
	if err != nil {
		return nil, err
	}
	defer done()
	results, err := setFile{docs}.expand(ctx, world, s)
	if err != nil {
		return nil, err
	}
	apps := docs.Applications
	for _, result := range results {
		apps = append(apps, result.Applications...)
	}
	return apps, nil
}

// renderApplication tells warnings, and beside an error what was read until then.
func renderApplication(ctx context.Context, flow reconcile.Flow, app *v1alpha1.Application, o renderOptions, s streams) (*reconcile.Desired, error) {
	for _, path := range v1alpha1.Unsupported(app) {
		fmt.Fprintf(s.err, "warning: application %s: %s is not supported and has no effect\n", app.Name, path)
	}
	nowhere := &offline{capabilities: render.NewCapabilities(o.kubeVersion, nil), guessed: map[string]bool{}}
	flow.Clusters = nowhere
	desired, err := flow.Explain(ctx, app)
	if err != nil {
		return desired, fmt.Errorf("application %s: %w", app.Name, err)
	}
	for _, w := range desired.Warnings {
		fmt.Fprintf(s.err, "warning: application %s: %s\n", app.Name, w)
	}
	for _, kind := range slices.Sorted(maps.Keys(nowhere.guessed)) {
		fmt.Fprintf(s.err, "warning: application %s: %s is taken for a kind that lives in namespaces: without a cluster nobody knows\n", app.Name, kind)
	}
	return desired, nil
}
