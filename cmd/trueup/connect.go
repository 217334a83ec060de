package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/internal/kube"
)

// connection is how a command reaches the cluster that holds the
// applications.
type connection struct {
	kubeconfig, context, namespace string
}

func (c *connection) flags(f *pflag.FlagSet) {
	f.StringVar(&c.kubeconfig, "kubeconfig", "", "kubeconfig file; by default $KUBECONFIG")
	f.StringVar(&c.context, "context", "", "context of the kubeconfig")
	f.StringVarP(&c.namespace, "namespace", "n", "trueup", "namespace of the applications")
}

func (c *connection) client() (client.Client, error) {
	config, err := restConfig(c.kubeconfig, c.context)
	if err != nil {
		return nil, err
	}
	return kube.NewClient(config)
}

// restConfig reads a kubeconfig as kubectl does, and falls back to the
// service account of a pod.
func restConfig(kubeconfig, context string) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: context}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	return config, nil
}

// complete offers the names of applications to the shell.
func (c *connection) complete(most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if most > 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		apps, err := c.applications(cmd.Context(), nil)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []string
		for _, app := range apps {
			if !slices.Contains(args, app.Name) {
				names = append(names, app.Name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
