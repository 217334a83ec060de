package limits

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/gobwas/glob"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/repourl"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// DefaultProject is the project of applications that name none. Where nobody
// made it, it permits everything.
const DefaultProject = "default"

// NameOf is the project of an application.
func NameOf(app *v1alpha1.Application) string {
	if app.Spec.Project == "" {
		return DefaultProject
	}
	return app.Spec.Project
}

// Destination is a cluster, as far as rules know it.
type Destination struct{ Name, Server string }

// CheckSpec holds what an application asks for against its project: the
// namespace that it lives in (agent is the one where every project may have
// applications), its repositories and its destination. It tells all that is
// not permitted. The rules are those of Argo CD's AppProject: globs, in which
// * stands for anything, and a leading ! denies whatever else permits.
func CheckSpec(p *v1alpha1.Project, app *v1alpha1.Application, to Destination, agent string) error {
	var failures []error
	if app.Namespace != "" && app.Namespace != agent && !permits(p.Spec.SourceNamespaces, app.Namespace) {
		failures = append(failures, fault.New(fault.Denied, "project %s permits no applications in the namespace %s", p.Name, app.Namespace))
	}
	for _, repo := range repositories(app) {
		failures = append(failures, CheckRepository(p, repo))
	}
	if ns := app.Spec.Destination.Namespace; ns != "" && !reaches(p, to, ns) {
		failures = append(failures, fault.New(fault.Denied, "project %s does not permit the namespace %s of cluster %s", p.Name, ns, shown(to)))
	}
	return errors.Join(failures...)
}

// CheckRepository holds one repository against a project. A URL that leads
// elsewhere than it reads is refused: globs compare the text, and a server may
// follow the dots.
func CheckRepository(p *v1alpha1.Project, repo string) error {
	if dots(repo) {
		return fault.New(fault.Denied, "project %s does not permit the repository %s: its path has a part . or ..", p.Name, repourl.Redact(repo))
	}
	if permits(p.Spec.SourceRepos, strings.TrimSuffix(repo, ".git")) || permits(p.Spec.SourceRepos, repo) {
		return nil
	}
	return fault.New(fault.Denied, "project %s does not permit the repository %s", p.Name, repourl.Redact(repo))
}

// dots reports . or .. as a part of a path, escaped too, once or more.
func dots(repo string) bool {
	for range 3 {
		for part := range strings.FieldsFuncSeq(repo, func(r rune) bool { return r == '/' || r == '\\' || r == ':' || r == '?' || r == '#' }) {
			if part == "." || part == ".." {
				return true
			}
		}
		plain, err := url.PathUnescape(repo)
		if err != nil || plain == repo {
			return false
		}
		repo = plain
	}
	return true
}

// CheckRemoteBase holds a folder of another repository, which a kustomization
// names, against a project; its repository is checked apart.
func CheckRemoteBase(p *v1alpha1.Project, at snapshot.Location) error {
	switch {
	case p.Spec.RemoteBases == "" || p.Spec.RemoteBases == v1alpha1.RemoteBasesAllowed:
		return nil
	case p.Spec.RemoteBases == v1alpha1.RemoteBasesPinned && at.Pinned():
		return nil
	case p.Spec.RemoteBases == v1alpha1.RemoteBasesPinned:
		return fault.New(fault.Denied, "project %s permits bases in other repositories only at a commit or a release (remoteBases: %s): %s is at %q", p.Name, p.Spec.RemoteBases, repourl.Redact(at.RepoURL), at.Revision)
	}
	return fault.New(fault.Denied, "project %s permits no bases in other repositories (remoteBases: %s): %s", p.Name, p.Spec.RemoteBases, repourl.Redact(at.RepoURL))
}

// Object is one that an application consists of.
type Object struct {
	Key        object.Key
	Namespaced bool
}

// CheckObjects holds rendered objects against a project, and tells all that
// are not permitted.
func CheckObjects(p *v1alpha1.Project, to Destination, objects []Object) error {
	var failures []error
	for _, o := range objects {
		switch {
		case !o.Namespaced && !clusterKind(p, o.Key):
			failures = append(failures, fault.New(fault.Denied, "project %s does not permit %s: its kind lives in the whole cluster, and clusterResourceWhitelist does not name it, or clusterResourceBlacklist does", p.Name, o.Key))
		case o.Namespaced && !namespacedKind(p, o.Key):
			failures = append(failures, fault.New(fault.Denied, "project %s does not permit the kind of %s", p.Name, o.Key))
		case o.Namespaced && !reaches(p, to, o.Key.Namespace):
			failures = append(failures, fault.New(fault.Denied, "project %s does not permit %s in the namespace %s of cluster %s", p.Name, o.Key, o.Key.Namespace, shown(to)))
		}
	}
	return errors.Join(failures...)
}

// Unsupported lists the paths of a project's fields that would limit its
// applications and that nobody acts upon.
func Unsupported(p *v1alpha1.Project) []string {
	var out []string
	for _, f := range []struct {
		set  bool
		path string
	}{
		{len(p.Spec.SyncWindows) > 0, "syncWindows"},
		{len(p.Spec.SignatureKeys) > 0, "signatureKeys"},
		{p.Spec.SourceIntegrity != nil, "sourceIntegrity"},
		{p.Spec.PermitOnlyProjectScopedClusters, "permitOnlyProjectScopedClusters"},
		{len(p.Spec.DestinationServiceAccounts) > 0, "destinationServiceAccounts"},
		{len(p.Spec.Roles) > 0, "roles"},
	} {
		if f.set {
			out = append(out, "project "+p.Name+" spec."+f.path)
		}
	}
	return out
}

func repositories(app *v1alpha1.Application) []string {
	var out []string
	for _, s := range app.Spec.AllSources() {
		if s.RepoURL != "" && !slices.Contains(out, s.RepoURL) {
			out = append(out, s.RepoURL)
		}
	}
	return out
}

func shown(to Destination) string {
	if to.Name != "" {
		return to.Name
	}
	return to.Server
}

// permits: one pattern permits, and none denies.
func permits(patterns []string, text string) bool {
	permitted := false
	for _, p := range patterns {
		if denied, ok := strings.CutPrefix(p, "!"); ok {
			if matches(denied, text) {
				return false
			}
			continue
		}
		permitted = permitted || matches(p, text)
	}
	return permitted
}

// matches: a pattern that is no glob matches itself.
func matches(pattern, text string) bool {
	if pattern == text {
		return true
	}
	g, err := glob.Compile(pattern)
	return err == nil && g.Match(text)
}

// reaches tells whether a project's destinations hold a namespace.
func reaches(p *v1alpha1.Project, to Destination, namespace string) bool {
	permitted := false
	for _, d := range p.Spec.Destinations {
		server, noServer := strings.CutPrefix(d.Server, "!")
		name, noName := strings.CutPrefix(d.Name, "!")
		ns, noNamespace := strings.CutPrefix(d.Namespace, "!")
		cluster := d.Server != "" && matches(server, to.Server) || d.Name != "" && matches(name, to.Name)
		here := matches(ns, namespace)
		switch {
		case noServer || noName:
			if cluster && (d.Namespace == "" || here) {
				return false
			}
		case noNamespace:
			if cluster && here {
				return false
			}
		case cluster && here:
			permitted = true
		}
	}
	return permitted
}

func clusterKind(p *v1alpha1.Project, k object.Key) bool {
	in := func(list []v1alpha1.ClusterResourceRestriction) bool {
		return slices.ContainsFunc(list, func(r v1alpha1.ClusterResourceRestriction) bool {
			return matches(r.Group, k.Group) && matches(r.Kind, k.Kind) && (r.Name == "" || matches(r.Name, k.Name))
		})
	}
	return in(p.Spec.ClusterResourceWhitelist) && !in(p.Spec.ClusterResourceBlacklist)
}

// namespacedKind: without a whitelist every kind is permitted.
func namespacedKind(p *v1alpha1.Project, k object.Key) bool {
	in := func(list []metav1.GroupKind) bool {
		return slices.ContainsFunc(list, func(r metav1.GroupKind) bool { return matches(r.Group, k.Group) && matches(r.Kind, k.Kind) })
	}
	return (p.Spec.NamespaceResourceWhitelist == nil || in(p.Spec.NamespaceResourceWhitelist)) && !in(p.Spec.NamespaceResourceBlacklist)
}
