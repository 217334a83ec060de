package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/api/document"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// previewRepo is the config repository: a copy on this machine, or one on a
// server.
type previewRepo interface {
	// URL is how trees are opened.
	URL() string
	Remotes() (urls, names []string)
	DefaultBranch() string
	Commit(revision string) (string, error)
	MergeBase(a, b string) (string, error)
}

var _ previewRepo = (*git.Copy)(nil)

// remoteRepo is one on a server, of which there is no copy.
type remoteRepo struct {
	ctx     context.Context //nolint:containedctx // a copy on disk asks nobody, and both answer the same questions
	mirrors *git.Mirrors
	url     string
	branch  string // the default one
}

var _ previewRepo = (*remoteRepo)(nil)

// isURL tells a repository on a server from a folder.
func isURL(repo string) bool {
	if strings.Contains(repo, "://") {
		return true
	}
	host, path, ok := strings.Cut(repo, ":")
	return ok && strings.Contains(host, "@") && !strings.Contains(host, "/") && path != ""
}

// repository opens the config repository. close is to be called at the end.
func (o previewOptions) repository(ctx context.Context) (repo previewRepo, done func(), err error) {
	if !isURL(o.repo) {
		repo, err = git.OpenCopy(o.repo)
		return repo, func() {}, err
	}
	if o.head == "HEAD" && !o.ci.on() {
		return nil, nil, usagef("--repo %s is on a server: --head must say which branch or commit of it is the change", git.Redact(o.repo))
	}
	var credentials git.Credentials = git.Public{}
	if c, err := o.credentials(); err != nil {
		return nil, nil, err
	} else if c != nil {
		credentials = c
	}
	dir, err := os.MkdirTemp("", "trueup-preview-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a folder for what is fetched: %w", err)
	}
	mirrors := git.New(git.Options{Dir: dir, Files: true, Credentials: credentials})
	done = func() {
		mirrors.Close()
		_ = os.RemoveAll(dir)
	}
	branch, err := mirrors.Branch(ctx, o.repo, "")
	if err != nil {
		done()
		return nil, nil, err
	}
	return &remoteRepo{ctx, mirrors, o.repo, branch}, done, nil
}

// URL implements previewRepo.
func (r *remoteRepo) URL() string { return r.url }

// Remotes implements previewRepo.
func (r *remoteRepo) Remotes() (urls, names []string) { return []string{r.url}, nil }

// DefaultBranch implements previewRepo.
func (r *remoteRepo) DefaultBranch() string { return r.branch }

// Commit implements previewRepo.
func (r *remoteRepo) Commit(revision string) (string, error) {
	c, err := r.mirrors.Resolve(r.ctx, r.url, revision)
	return c.SHA, err
}

// MergeBase implements previewRepo.
func (r *remoteRepo) MergeBase(a, b string) (string, error) {
	return r.mirrors.MergeBase(r.ctx, r.url, a, b)
}

// Tree opens a commit.
func (r *remoteRepo) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	return r.mirrors.Tree(ctx, at)
}

// asksCluster tells whether applications come from the cluster.
func (o previewOptions) asksCluster() bool {
	for _, name := range o.apps {
		if name == ofCluster {
			return true
		}
	}
	return false
}

func (o previewOptions) connection() *connection {
	return &connection{kubeconfig: o.live.kubeconfig, context: o.live.context, namespace: o.agent}
}

// credentials are the agent's, where its cluster is asked anyway.
func (o previewOptions) credentials() (*agent.Credentials, error) {
	if !o.asksCluster() {
		return nil, nil
	}
	k, err := o.connection().client()
	if err != nil {
		return nil, err
	}
	return &agent.Credentials{Reader: k, Namespace: o.agent}, nil
}

// clusterApps reads the Applications and ApplicationSets of the agent's
// namespace, without those that others make: they are made of these.
func (o previewOptions) clusterApps(ctx context.Context) (document.Documents, error) {
	var out document.Documents
	k, err := o.connection().client()
	if err != nil {
		return out, err
	}
	var apps v1alpha1.ApplicationList
	if err := k.List(ctx, &apps, client.InNamespace(o.agent)); err != nil {
		return out, fmt.Errorf("read the applications of the cluster (--apps %s): %w", ofCluster, err)
	}
	var sets v1alpha1.ApplicationSetList
	if err := k.List(ctx, &sets, client.InNamespace(o.agent)); err != nil {
		return out, fmt.Errorf("read the application sets of the cluster (--apps %s): %w", ofCluster, err)
	}
	made := func(o client.Object) bool {
		return len(o.GetOwnerReferences()) > 0 || o.GetAnnotations()[object.TrackingAnnotation] != "" || o.GetAnnotations()["argocd.argoproj.io/tracking-id"] != ""
	}
	for i := range apps.Items {
		if !made(&apps.Items[i]) {
			out.Applications = append(out.Applications, apps.Items[i])
		}
	}
	for i := range sets.Items {
		if !made(&sets.Items[i]) {
			out.ApplicationSets = append(out.ApplicationSets, sets.Items[i])
		}
	}
	return out, nil
}

// world is what generators ask: the agent's, where its cluster is asked anyway.
func (o previewOptions) world(s streams) (appset.World, func(), error) {
	if o.asksCluster() {
		return o.online(o.connection(), s)
	}
	return o.offline(s)
}
