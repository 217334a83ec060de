package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/helm"
	"github.com/trueup-dev/trueup/internal/jsonnet"
	"github.com/trueup-dev/trueup/internal/kustomize"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/reconcile"
)

// repositories opens the repositories that documents name: from a local
// directory where the user mapped the URL to one, from Git otherwise.
type repositories struct {
	local   map[string]string
	mirrors *git.Mirrors
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

// newRepositories keeps mirrors in a folder of its own that close removes.
// Without credentials only public repositories can be read.
func newRepositories(flags []string, credentials git.Credentials) (*repositories, func(), error) {
	local, err := parseRepositories(flags)
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "trueup-mirrors-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a folder for Git mirrors: %w", err)
	}
	mirrors := git.New(git.Options{Dir: dir, Files: true, Credentials: credentials})
	return &repositories{local: local, mirrors: mirrors}, func() { _ = os.RemoveAll(dir) }, nil
}

// Tree returns the files of a repository at a revision. A mapped directory is
// taken as it is, whatever the revision.
func (r *repositories) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	if dir, ok := r.local[at.RepoURL]; ok {
		return snapshot.Dir(dir)
	}
	return r.mirrors.Tree(ctx, at)
}

type renderOptions struct {
	file        string
	repos       []string
	kubeVersion string
	agent       string
	output      string
}

func newRenderCommand(s streams) *cobra.Command {
	var o renderOptions
	cmd := &cobra.Command{
		Use:   "render -f APP.yaml [--repo URL=DIR ...]",
		Short: "Print what an Application would apply, without any cluster",
		Long: `Print what the agent would apply for an Application: what its source describes, in the namespaces that it goes to, with the marks by
which the agent knows its own. Nothing is asked of a cluster; a kind that is neither built in nor defined beside it is taken for one that
lives in namespaces.`,
		Example: `  trueup render -f web.yaml
  trueup render -f web.yaml --repo https://git.example.com/config.git=. | kubectl apply --dry-run=server -f -`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return renderFile(cmd.Context(), o, s) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "filename", "f", "", "file with Applications; - is standard input")
	flags.StringArrayVar(&o.repos, "repo", nil, "read repository URL from local directory DIR (URL=DIR, repeatable)")
	flags.StringVar(&o.agent, "agent-namespace", "trueup", "namespace of the agent: applications in others carry it in their tracking ids")
	flags.StringVar(&o.kubeVersion, "kube-version", "1.37.0", "Kubernetes version that charts are told")
	flags.StringVarP(&o.output, "output", "o", "yaml", "yaml, json or name")
	return cmd
}

func renderFile(ctx context.Context, o renderOptions, s streams) error {
	if o.file == "" {
		return usagef("render needs -f APP.yaml")
	}
	if err := oneOf("--output", o.output, "yaml", "json", "name"); err != nil {
		return err
	}
	docs, err := readDocuments(o.file, s)
	if err != nil {
		return err
	}
	if len(docs.Applications) == 0 {
		return fault.New(fault.Invalid, "%s holds no Application", o.file)
	}
	repos, closeRepos, err := newRepositories(o.repos, nil)
	if err != nil {
		return err
	}
	defer closeRepos()
	var objects []*unstructured.Unstructured
	var errs []error
	for i := range docs.Applications {
		rendered, err := renderApplication(ctx, repos, &docs.Applications[i], o, s)
		errs = append(errs, err)
		objects = append(objects, rendered...)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return printObjects(s.out, o.output, objects)
}

// engines are all that render.
func engines() map[render.Type]render.Engine {
	return map[render.Type]render.Engine{
		render.Directory: render.NewDirectory(jsonnet.New("", jsonnet.DefaultLimits())),
		render.Kustomize: kustomize.New(), render.Helm: helm.Engine{},
	}
}

func renderApplication(ctx context.Context, repos *repositories, app *v1alpha1.Application, o renderOptions, s streams) ([]*unstructured.Unstructured, error) {
	for _, path := range v1alpha1.Unsupported(app) {
		fmt.Fprintf(s.err, "warning: application %s: %s is not supported and has no effect\n", app.Name, path)
	}
	nowhere := &offline{capabilities: render.NewCapabilities(o.kubeVersion, nil), guessed: map[string]bool{}}
	flow := reconcile.Flow{Sources: repos, Renderer: render.New(engines(), render.DefaultLimits()), Clusters: nowhere, Namespace: o.agent}
	desired, _, err := flow.Desire(ctx, app, "")
	if err != nil {
		return nil, fmt.Errorf("application %s: %w", app.Name, err)
	}
	for _, w := range desired.Warnings {
		fmt.Fprintf(s.err, "warning: application %s: %s\n", app.Name, w)
	}
	for _, kind := range slices.Sorted(maps.Keys(nowhere.guessed)) {
		fmt.Fprintf(s.err, "warning: application %s: %s is taken for a kind that lives in namespaces: without a cluster nobody knows\n", app.Name, kind)
	}
	return desired.Objects, nil
}
