package controller

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// projects are those of an agent. The repository https://git/secret is read
// with credentials that are team-b's.
type projects map[string]*v1alpha1.Project

func (p projects) Project(_ context.Context, name string) (*v1alpha1.Project, error) {
	if out, ok := p[name]; ok {
		return out, nil
	}
	return nil, fault.New(fault.Missing, "no project %s", name)
}

func (p projects) MayRead(_ context.Context, project, url string) error {
	if url == "https://git/secret" && project != "team-b" {
		return fault.New(fault.Denied, "the credentials of %s are team-b's", url)
	}
	return nil
}

type files struct{}

func (files) Tree(context.Context, snapshot.Location) (snapshot.Tree, error) {
	return snapshot.Tree{FS: fstest.MapFS{}}, nil
}

func TestTenantsReadWhatTheirProjectPermits(t *testing.T) {
	t.Parallel()
	team := &v1alpha1.Project{ObjectMeta: metav1.ObjectMeta{Name: "team-a"}}
	team.Spec.SourceRepos = []string{"https://git/a-*"}
	team.Spec.SourceNamespaces = []string{"team-a"}
	for _, tc := range []struct{ reason, namespace, project, url, want string }{
		{"its own", "team-a", "team-a", "https://git/a-config", ""},
		{"another team's", "team-a", "team-a", "https://git/b-config", "project team-a does not permit the repository https://git/b-config"},
		{"from a namespace that the project does not know", "team-b", "team-a", "https://git/a-config", "project team-a permits no applications in the namespace team-b"},
		{"with credentials of another project", "team-a", "default", "https://git/secret", "the credentials of https://git/secret are team-b's"},
		{"by a project that nobody made", "team-a", "team-c", "https://git/a-config", "the project team-c does not exist"},
		{"by no project, where nobody limits that", "team-a", "", "https://git/x", ""},
		{"by a project that only an application has", "team-a", "{{ .project }}", "https://git/a-config", "is no parameter"},
	} {
		set := &v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: tc.namespace}}
		set.Spec.Template.Spec.Project = tc.project
		_, err := tenant{files{}, projects{"team-a": team}, set, "trueup"}.Tree(t.Context(), snapshot.Location{RepoURL: tc.url})
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%s: %v", tc.reason, err)
		case tc.want != "" && (fault.Of(err) != fault.Denied || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%s: %v, want a refusal: %s", tc.reason, err, tc.want)
		}
	}
}

// nested are files that are all in the repository of a submodule.
type nested struct {
	fstest.MapFS
	may func(ctx context.Context, url string) error
}

func (n nested) Tree(context.Context, snapshot.Location) (snapshot.Tree, error) {
	return snapshot.Tree{FS: n}, nil
}

// Restricted implements snapshot.Restricter.
func (n nested) Restricted(may func(ctx context.Context, url string) error) snapshot.FS {
	return nested{n.MapFS, may}
}

func TestTenantsReadSubmodulesThatTheirProjectPermits(t *testing.T) {
	t.Parallel()
	team := &v1alpha1.Project{ObjectMeta: metav1.ObjectMeta{Name: "team-a"}}
	team.Spec.SourceRepos = []string{"https://git/a-*"}
	team.Spec.SourceNamespaces = []string{"team-a"}
	set := &v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "team-a"}}
	set.Spec.Template.Spec.Project = "team-a"
	tree, err := tenant{nested{}, projects{"team-a": team}, set, "trueup"}.Tree(t.Context(), snapshot.Location{RepoURL: "https://git/a-config"})
	if err != nil {
		t.Fatal(err)
	}
	read, ok := tree.FS.(nested)
	if !ok || read.may == nil {
		t.Fatal("its submodules are not restricted")
	}
	if err := read.may(t.Context(), "https://git/a-base"); err != nil {
		t.Errorf("a submodule of its own: %v", err)
	}
	if err := read.may(t.Context(), "https://git/b-config"); fault.Of(err) != fault.Denied {
		t.Errorf("a submodule of another team: %v", err)
	}
}
