package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/kube"
)

func newAppSetCommand(s streams) *cobra.Command {
	return group("appset", "Expand ApplicationSets", newAppSetGenerateCommand(s))
}

type generateOptions struct {
	file     string
	clusters string
	repos    []string
	output   string
}

func newAppSetGenerateCommand(s streams) *cobra.Command {
	var o generateOptions
	cmd := &cobra.Command{
		Use:   "generate SET.yaml",
		Short: "Print the Applications that ApplicationSets expand to, without any cluster",
		Long: `Print the Applications that ApplicationSets expand to, without any cluster.

On any error nothing is printed to standard output and the exit code is 1.`,
		Example: `  trueup appset generate shop.yaml --clusters clusters.yaml
  trueup appset generate shop.yaml --repo https://git.example.com/config.git=. -o name`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.file = args[0]
			return generate(cmd.Context(), o, s)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.clusters, "clusters", "", "file with cluster Secrets, for the cluster generator")
	flags.StringArrayVar(&o.repos, "repo", nil, "read repository URL from local directory DIR (URL=DIR, repeatable)")
	flags.StringVarP(&o.output, "output", "o", "yaml", "yaml, json or name")
	return cmd
}

func generate(ctx context.Context, o generateOptions, s streams) error {
	if err := oneOf("--output", o.output, "yaml", "json", "name"); err != nil {
		return err
	}
	docs, err := readDocuments(o.file, s)
	if err != nil {
		return err
	}
	if len(docs.ApplicationSets) == 0 {
		return fault.New(fault.Invalid, "%s holds no ApplicationSet", o.file)
	}
	known, err := readClusters(o.clusters)
	if err != nil {
		return err
	}
	repos, closeRepos, err := newRepositories(o.repos, webFileFlags{}, nil)
	if err != nil {
		return err
	}
	defer closeRepos()
	world := appset.World{Clusters: known, Repositories: repos}
	var objects []*unstructured.Unstructured
	var errs []error
	for i := range docs.ApplicationSets {
		expanded, err := expand(ctx, &docs.ApplicationSets[i], world, s)
		errs = append(errs, err)
		objects = append(objects, expanded...)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return printObjects(s.out, o.output, objects)
}

// expand expands one set into Application documents.
func expand(ctx context.Context, set *v1alpha1.ApplicationSet, world appset.World, s streams) ([]*unstructured.Unstructured, error) {
	result, err := appset.Generate(ctx, set, world)
	if err != nil {
		return nil, err
	}
	for _, w := range result.Warnings {
		fmt.Fprintf(s.err, "warning: ApplicationSet %s: %s\n", set.Name, w)
	}
	var out []*unstructured.Unstructured
	for i := range result.Applications {
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&result.Applications[i])
		if err != nil {
			return nil, fmt.Errorf("print application %s: %w", result.Applications[i].Name, err)
		}
		unstructured.RemoveNestedField(object, "metadata", "creationTimestamp")
		unstructured.RemoveNestedField(object, "status")
		out = append(out, &unstructured.Unstructured{Object: object})
	}
	return out, nil
}

// knownClusters are the clusters of a file.
type knownClusters []appset.Cluster

// Clusters implements appset.Clusters.
func (k knownClusters) Clusters(context.Context) ([]appset.Cluster, error) { return k, nil }

// readClusters reads cluster Secrets in Argo CD's form; no file means no
// clusters but the local one.
func readClusters(name string) (knownClusters, error) {
	if name == "" {
		return nil, nil
	}
	objects, err := readObjects(name, nil)
	if err != nil {
		return nil, err
	}
	var out knownClusters
	for _, u := range objects {
		if u.GetKind() != "Secret" || u.GetLabels()[kube.SecretTypeLabel] != kube.SecretCluster {
			continue
		}
		var secret corev1.Secret
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &secret); err != nil {
			return nil, fmt.Errorf("read cluster secret %s: %w", u.GetName(), err)
		}
		for key, text := range secret.StringData {
			if secret.Data == nil {
				secret.Data = map[string][]byte{}
			}
			secret.Data[key] = []byte(text) // as the API server does
		}
		out = append(out, kube.Identify(&secret).Cluster())
	}
	if len(out) == 0 {
		return nil, fault.New(fault.Invalid, "%s holds no Secret with the label %s: %s", name, kube.SecretTypeLabel, kube.SecretCluster)
	}
	return out, nil
}
