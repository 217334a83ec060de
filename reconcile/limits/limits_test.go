package limits

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
)

func project(spec v1alpha1.ProjectSpec) *v1alpha1.Project {
	return &v1alpha1.Project{ObjectMeta: metav1.ObjectMeta{Name: "shop"}, Spec: spec}
}

func TestCheckSpec(t *testing.T) {
	t.Parallel()
	everywhere := []v1alpha1.ApplicationDestination{{Server: "*", Namespace: "*"}}
	edge := Destination{Name: "edge", Server: "https://edge.example.com"}
	for _, tc := range []struct {
		reason                   string
		spec                     v1alpha1.ProjectSpec
		repo, namespace, livesIn string
		denied                   string
	}{
		{"an empty project permits nothing", v1alpha1.ProjectSpec{}, "https://git.example.com/a", "web", "", "the repository https://git.example.com/a|the namespace web"},
		{"stars permit everything", v1alpha1.ProjectSpec{SourceRepos: []string{"*"}, Destinations: everywhere}, "https://git.example.com/a", "web", "", ""},
		{"a star crosses slashes", v1alpha1.ProjectSpec{SourceRepos: []string{"https://git.example.com/*"}, Destinations: everywhere}, "https://git.example.com/a/b.git", "web", "", ""},
		{"the suffix .git makes no difference", v1alpha1.ProjectSpec{SourceRepos: []string{"https://git.example.com/a"}, Destinations: everywhere}, "https://git.example.com/a.git", "web", "", ""},
		{"a denial beats a permission", v1alpha1.ProjectSpec{SourceRepos: []string{"*", "!https://git.example.com/secret*"}, Destinations: everywhere}, "https://git.example.com/secrets", "web", "", "the repository"},
		{"a way out of what is permitted", v1alpha1.ProjectSpec{SourceRepos: []string{"https://git.example.com/team-a/*"}, Destinations: everywhere}, "https://git.example.com/team-a/../team-b/x", "web", "", "its path has a part . or .."},
		{"one that is escaped", v1alpha1.ProjectSpec{SourceRepos: []string{"*"}, Destinations: everywhere}, "https://git.example.com/team-a/%2e%2E/team-b/x", "web", "", "its path has a part . or .."},
		{"escaped twice", v1alpha1.ProjectSpec{SourceRepos: []string{"*"}, Destinations: everywhere}, "https://git.example.com/team-a%252f..%252fteam-b/x", "web", "", "its path has a part . or .."},
		{"dots in names", v1alpha1.ProjectSpec{SourceRepos: []string{"git@git.example.com:*"}, Destinations: everywhere}, "git@git.example.com:team-a/..x/.config/a%20b...git", "web", "", ""},
		{"a cluster by its name", v1alpha1.ProjectSpec{SourceRepos: []string{"*"}, Destinations: []v1alpha1.ApplicationDestination{{Name: "edge", Namespace: "web-*"}}}, "x", "web-1", "", ""},
		{"another namespace of it", v1alpha1.ProjectSpec{SourceRepos: []string{"*"}, Destinations: []v1alpha1.ApplicationDestination{{Name: "edge", Namespace: "web-*"}}}, "x", "kube-system", "", "kube-system of cluster edge"},
		{"another cluster", v1alpha1.ProjectSpec{SourceRepos: []string{"*"}, Destinations: []v1alpha1.ApplicationDestination{{Name: "hub", Namespace: "*"}}}, "x", "web", "", "the namespace web"},
		{"a namespace that is denied", v1alpha1.ProjectSpec{SourceRepos: []string{"*"}, Destinations: append(everywhere, v1alpha1.ApplicationDestination{Server: "*", Namespace: "!kube-*"})}, "x", "kube-system", "", "kube-system"},
		{"a server that is denied", v1alpha1.ProjectSpec{SourceRepos: []string{"*"}, Destinations: append(everywhere, v1alpha1.ApplicationDestination{Server: "!https://edge*", Namespace: "*"})}, "x", "web", "", "the namespace web"},
		{"an application elsewhere than the agent", v1alpha1.ProjectSpec{SourceRepos: []string{"*"}, Destinations: everywhere}, "x", "web", "team", "in the namespace team"},
		{"in a namespace that is permitted", v1alpha1.ProjectSpec{SourceRepos: []string{"*"}, Destinations: everywhere, SourceNamespaces: []string{"team*"}}, "x", "web", "team-a", ""},
	} {
		app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "trueup"}}
		if tc.livesIn != "" {
			app.Namespace = tc.livesIn
		}
		app.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: tc.repo}
		app.Spec.Destination.Namespace = tc.namespace
		holds(t, tc.reason, CheckSpec(project(tc.spec), app, edge, "trueup"), tc.denied)
	}
}

// holds checks that an error tells all of "a|b", or that there is none.
func holds(t *testing.T, reason string, err error, denied string) {
	t.Helper()
	if denied == "" {
		if err != nil {
			t.Errorf("%s: %v", reason, err)
		}
		return
	}
	for part := range strings.SplitSeq(denied, "|") {
		if err == nil || fault.Of(err) != fault.Denied || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: got %v, want a denial of %s", reason, err, part)
		}
	}
}

func TestCheckObjects(t *testing.T) {
	t.Parallel()
	all := v1alpha1.ProjectSpec{Destinations: []v1alpha1.ApplicationDestination{{Server: "*", Namespace: "web"}}}
	role := Object{Key: object.Key{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "reader"}}
	secret := Object{Key: object.Key{Kind: "Secret", Namespace: "web", Name: "s"}, Namespaced: true}
	for _, tc := range []struct {
		reason string
		change func(*v1alpha1.ProjectSpec)
		object Object
		denied string
	}{
		{"no kind of the whole cluster without a word", func(*v1alpha1.ProjectSpec) {}, role, "ClusterRole reader"},
		{"one that is named", func(s *v1alpha1.ProjectSpec) {
			s.ClusterResourceWhitelist = []v1alpha1.ClusterResourceRestriction{{Group: "*", Kind: "ClusterRole", Name: "read*"}}
		}, role, ""},
		{"another name of it", func(s *v1alpha1.ProjectSpec) {
			s.ClusterResourceWhitelist = []v1alpha1.ClusterResourceRestriction{{Group: "*", Kind: "*", Name: "write*"}}
		}, role, "ClusterRole reader"},
		{"a denial beats a permission", func(s *v1alpha1.ProjectSpec) {
			s.ClusterResourceWhitelist = []v1alpha1.ClusterResourceRestriction{{Group: "*", Kind: "*"}}
			s.ClusterResourceBlacklist = []v1alpha1.ClusterResourceRestriction{{Group: "rbac*", Kind: "*"}}
		}, role, "ClusterRole reader"},
		{"every kind of a namespace without a word", func(*v1alpha1.ProjectSpec) {}, secret, ""},
		{"a kind that is denied", func(s *v1alpha1.ProjectSpec) { s.NamespaceResourceBlacklist = []metav1.GroupKind{{Kind: "Secret"}} }, secret, "kind of Secret web/s"},
		{"a list without it", func(s *v1alpha1.ProjectSpec) { s.NamespaceResourceWhitelist = []metav1.GroupKind{{Kind: "ConfigMap"}} }, secret, "kind of Secret"},
		{"an empty list", func(s *v1alpha1.ProjectSpec) { s.NamespaceResourceWhitelist = []metav1.GroupKind{} }, secret, "kind of Secret"},
		{"an object that names another namespace", func(*v1alpha1.ProjectSpec) {}, Object{Key: object.Key{Kind: "Secret", Namespace: "other", Name: "s"}, Namespaced: true}, "in the namespace other"},
	} {
		spec := *all.DeepCopy()
		tc.change(&spec)
		holds(t, tc.reason, CheckObjects(project(spec), Destination{Server: "https://edge.example.com"}, []Object{tc.object}), tc.denied)
	}
}

func TestUnsupported(t *testing.T) {
	t.Parallel()
	p := project(v1alpha1.ProjectSpec{SyncWindows: []v1alpha1.SyncWindow{{Kind: "deny"}}, PermitOnlyProjectScopedClusters: true})
	want := []string{"project shop spec.syncWindows", "project shop spec.permitOnlyProjectScopedClusters"}
	if diff := cmp.Diff(want, Unsupported(p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
