package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/snapshot"
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
func newRepositories(flags []string) (*repositories, func(), error) {
	local, err := parseRepositories(flags)
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "trueup-mirrors-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a folder for Git mirrors: %w", err)
	}
	mirrors, err := openMirrors(dir)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &repositories{local: local, mirrors: mirrors}, func() { _ = os.RemoveAll(dir) }, nil
}

// Open returns the files of a repository at a revision. A mapped directory is
// taken as it is, whatever the revision.
func (r *repositories) Open(ctx context.Context, url, revision string) (snapshot.Tree, error) {
	if dir, ok := r.local[url]; ok {
		return snapshot.Dir(dir)
	}
	commit, err := r.mirrors.Resolve(ctx, url, revision)
	if err != nil {
		return snapshot.Tree{}, err
	}
	return r.mirrors.Tree(ctx, url, commit)
}

type renderOptions struct {
	file        string
	repos       []string
	kubeVersion string
	output      string
}

func newRenderCommand(s streams) *cobra.Command {
	var o renderOptions
	cmd := &cobra.Command{
		Use:   "render -f APP.yaml [--repo URL=DIR ...]",
		Short: "Print what an Application would apply, without any cluster",
		Example: `  trueup render -f web.yaml
  trueup render -f web.yaml --repo https://git.example.com/config.git=. | kubectl apply --dry-run=server -f -`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return renderFile(cmd.Context(), o, s) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "filename", "f", "", "file with Applications; - is standard input")
	flags.StringArrayVar(&o.repos, "repo", nil, "read repository URL from local directory DIR (URL=DIR, repeatable)")
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
	repos, closeRepos, err := newRepositories(o.repos)
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

// readDocuments reads a file of Applications, ApplicationSets and Projects,
// and tells the user about fields that nobody acts upon.
func readDocuments(name string, s streams) (v1alpha1.Documents, error) {
	data, err := readFile(name, s.in)
	if err != nil {
		return v1alpha1.Documents{}, err
	}
	docs, err := v1alpha1.Decode(data, name)
	if err != nil {
		return docs, err
	}
	for _, w := range docs.Warnings {
		fmt.Fprintln(s.err, "warning:", w)
	}
	return docs, nil
}

func readFile(name string, in io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(name)
}

// printObjects writes objects as one YAML stream, a JSON list or names.
func printObjects(w io.Writer, output string, objects []*unstructured.Unstructured) error {
	switch output {
	case "json":
		items := make([]any, len(objects))
		for i, u := range objects {
			items[i] = u.Object
		}
		return printJSON(w, map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
	case "name":
		for _, u := range objects {
			name := strings.ToLower(u.GetKind())
			if group := u.GroupVersionKind().Group; group != "" {
				name += "." + group
			}
			if _, err := fmt.Fprintf(w, "%s/%s\n", name, u.GetName()); err != nil {
				return err
			}
		}
		return nil
	}
	for _, u := range objects {
		data, err := yaml.Marshal(u.Object)
		if err != nil {
			return fmt.Errorf("print %s %s: %w", u.GetKind(), u.GetName(), err)
		}
		if _, err := fmt.Fprintf(w, "---\n%s", data); err != nil {
			return err
		}
	}
	return nil
}
