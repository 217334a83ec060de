package main

import (
	"context"
	"time"

	"github.com/spf13/pflag"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/plugin"
	"github.com/trueup-dev/trueup/internal/scm"
	"github.com/trueup-dev/trueup/reconcile"
)

// worldOptions say where generators get their answers.
type worldOptions struct {
	clusters string
	repos    []string
	objects  []string
}

func (o *worldOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.clusters, "clusters", "", "file with cluster Secrets, for generators that ask for clusters")
	f.StringArrayVar(&o.repos, "repo", nil, "read repository URL from local directory DIR (URL=DIR, repeatable)")
	f.StringArrayVar(&o.objects, "objects", nil, "file with the Secrets, ConfigMaps and decision objects that generators name (repeatable)")
}

// offline is a world without any cluster.
func (o worldOptions) offline(s streams) (appset.World, func(), error) {
	objects, err := readFileObjects(o.objects, s)
	if err != nil {
		return appset.World{}, nil, err
	}
	known, err := o.knownClusters(s)
	if err != nil {
		return appset.World{}, nil, err
	}
	repos, done, err := newRepositories(o.repos, webFileFlags{}, nil)
	if err != nil {
		return appset.World{}, nil, err
	}
	world := appset.World{Clusters: known, Repositories: repos, Now: time.Now}
	world.Decisions, world.Plugins = kube.Decisions{Objects: objects}, plugin.New(objects, "")
	forges := scm.New(scm.Options{Objects: forgeFiles{objects}})
	world.Forges, world.States = forges, forges
	return world, func() {
		forges.Close()
		done()
	}, nil
}

// online is the world of the agent of a namespace. What files say counts in
// place of what the cluster says.
func (o worldOptions) online(c *connection, s streams) (appset.World, func(), error) {
	world, doneFiles, err := o.offline(s)
	if err != nil {
		return world, nil, err
	}
	config, err := restConfig(c.kubeconfig, c.context)
	if err != nil {
		doneFiles()
		return world, nil, err
	}
	k, err := kube.NewClient(config)
	if err != nil {
		doneFiles()
		return world, nil, err
	}
	builtin, err := schema.Builtin()
	if err != nil {
		doneFiles()
		return world, nil, err
	}
	local, err := kube.Connect(appset.LocalName, config, nil)
	if err != nil {
		doneFiles()
		return world, nil, err
	}
	repos, doneRepos, err := newRepositories(o.repos, webFileFlags{}, &agent.Credentials{Reader: k, Namespace: c.namespace})
	if err != nil {
		doneFiles()
		return world, nil, err
	}
	destinations := &agent.Destinations{Local: config, Reader: k, Namespace: c.namespace, Builtin: builtin, See: func(string, reconcile.Sighting) {}}
	world.Repositories = repos
	var forges *scm.Forges
	if o.clusters == "" {
		world.Clusters = destinations
	}
	if len(o.objects) == 0 {
		world.Decisions, world.Plugins = agent.Generators(local, k, c.namespace)
		forges = scm.New(scm.Options{Objects: agent.ForgeObjects(k), Namespace: c.namespace})
		world.Forges, world.States = forges, forges
	}
	return world, func() {
		if forges != nil {
			forges.Close()
		}
		destinations.Close()
		local.Close()
		doneRepos()
		doneFiles()
	}, nil
}

// knownClusters are the clusters of a file.
type knownClusters []appset.Cluster

// Clusters implements appset.Clusters.
func (k knownClusters) Clusters(context.Context) ([]appset.Cluster, error) { return k, nil }

// knownClusters reads cluster Secrets in Argo CD's form; no file means no
// clusters but the local one.
func (o worldOptions) knownClusters(s streams) (knownClusters, error) {
	if o.clusters == "" {
		return nil, nil
	}
	secrets, err := o.clusterSecrets(s)
	if err != nil {
		return nil, err
	}
	var out knownClusters
	for i := range secrets {
		out = append(out, kube.Identify(&secrets[i]).Cluster())
	}
	return out, nil
}
