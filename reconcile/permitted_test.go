package reconcile

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// parts are files of which one is in the repository of a submodule.
type parts struct {
	fstest.MapFS
	may func(ctx context.Context, url string) error
}

// Restricted implements snapshot.Restricter.
func (p parts) Restricted(may func(ctx context.Context, url string) error) snapshot.FS {
	return parts{p.MapFS, may}
}

func (p parts) ReadFile(name string) ([]byte, error) {
	if p.may != nil && name == "part.yaml" {
		if err := p.may(context.Background(), "https://git.example.com/team-b/secret"); err != nil {
			return nil, err
		}
	}
	return p.MapFS.ReadFile(name)
}

func (p parts) Tree(context.Context, snapshot.Location) (snapshot.Tree, error) {
	return snapshot.Tree{FS: p}, nil
}

// registered has the credentials of one repository belong to a project.
type registered struct {
	theProject
	url, project string
}

func (r registered) MayRead(_ context.Context, project, url string) error {
	if url == r.url && project != r.project {
		return fault.New(fault.Denied, "%s is registered for %s", url, r.project)
	}
	return nil
}

func TestSubmodulesThatTheProjectPermits(t *testing.T) {
	t.Parallel()
	const own, secret = "https://git.example.com/config.git", "https://git.example.com/team-b/secret"
	for _, tc := range []struct {
		reason     string
		repos      []string // nil: no project at all
		registered string   // the project of the submodule's credentials
		want       string
	}{
		{"nothing is limited", nil, "", ""},
		{"any repository", []string{"*"}, "team-a", ""},
		{"not that one", []string{own}, "team-a", "project team-a does not permit the repository " + secret},
		{"one that is refused", []string{"*", "!" + secret}, "team-a", "project team-a does not permit the repository " + secret},
		{"credentials of another project", []string{"*"}, "team-b", secret + " is registered for team-b"},
	} {
		for _, where := range []string{"a source", "a ref", "a base"} {
			f, _ := newFlow(t, "")
			f.Sources = parts{MapFS: fstest.MapFS{"part.yaml": {Data: []byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: part, namespace: shop}}")}}}
			app := application(nil)
			if tc.repos != nil {
				project := anything()
				app.Spec.Project, project.is.Name, project.is.Spec.SourceRepos = "team-a", "team-a", tc.repos
				f.Projects = registered{project, secret, tc.registered}
			}
			read := func() error {
				_, _, err := f.Desire(t.Context(), app)
				return err
			}
			if where != "a source" {
				app.Spec.Sources = []v1alpha1.ApplicationSource{{RepoURL: own, Ref: "values"}, {RepoURL: own}}
				read = func() error {
					project, err := f.projectOf(t.Context(), app, &Cluster{})
					if err != nil {
						return err
					}
					all, err := f.open(t.Context(), app, project, nil)
					if err != nil {
						return err
					}
					tree := all.sources[1].Refs["values"]
					if where == "a base" {
						if tree, err = all.sources[1].More.Tree(t.Context(), snapshot.Location{RepoURL: own, Revision: "v1"}); err != nil {
							return err
						}
					}
					_, err = tree.FS.ReadFile("part.yaml")
					return err
				}
			}
			switch err := read(); {
			case tc.want == "" && err != nil:
				t.Errorf("%s, in %s: %v", tc.reason, where, err)
			case tc.want != "" && (fault.Of(err) != fault.Denied || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("%s, in %s: %v, want a refusal: %s", tc.reason, where, err, tc.want)
			}
		}
	}
}

// TestRemoteBasesThatTheProjectPermits: what kustomizations name is held
// against the project, charts and files of web servers are not bases.
func TestRemoteBasesThatTheProjectPermits(t *testing.T) {
	t.Parallel()
	const url, sha = "https://bob:key@git.example.com/base.git", "0123456789012345678901234567890123456789"
	for _, tc := range []struct {
		policy string
		at     snapshot.Location
		want   string
	}{
		{"", snapshot.Location{RepoURL: url, Revision: "main"}, ""},
		{v1alpha1.RemoteBasesAllowed, snapshot.Location{RepoURL: url}, ""},
		{v1alpha1.RemoteBasesPinned, snapshot.Location{RepoURL: url, Revision: sha}, ""},
		{v1alpha1.RemoteBasesPinned, snapshot.Location{RepoURL: url, Revision: "v1.2.0"}, ""},
		{v1alpha1.RemoteBasesPinned, snapshot.Location{RepoURL: url, Revision: "main"}, `project team permits bases in other repositories only at a commit or a release (remoteBases: Pinned): https://bob:xxxxx@git.example.com/base.git is at "main"`},
		{v1alpha1.RemoteBasesPinned, snapshot.Location{RepoURL: url}, `is at ""`},
		{v1alpha1.RemoteBasesPinned, snapshot.Location{RepoURL: url, Chart: "web", Revision: "1.x"}, ""},
		{v1alpha1.RemoteBasesDenied, snapshot.Location{RepoURL: url, Revision: sha}, "project team permits no bases in other repositories (remoteBases: Denied): https://bob:xxxxx@git.example.com/base.git"},
		{v1alpha1.RemoteBasesDenied, snapshot.Location{RepoURL: url, Chart: "web"}, ""},
		{v1alpha1.RemoteBasesDenied, snapshot.Location{RepoURL: url, File: true}, ""},
		{"never heard of", snapshot.Location{RepoURL: url, Revision: sha}, "permits no bases"},
	} {
		f, _ := newFlow(t, "")
		f.Sources = parts{MapFS: fstest.MapFS{}}
		project := &v1alpha1.Project{Spec: v1alpha1.ProjectSpec{SourceRepos: []string{"*"}, RemoteBases: tc.policy}}
		project.Name = "team"
		switch _, err := (permitted{f, project, "team"}).Tree(t.Context(), tc.at); {
		case tc.want == "" && err != nil:
			t.Errorf("%q, %+v: %v", tc.policy, tc.at, err)
		case tc.want != "" && (fault.Of(err) != fault.Denied || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%q, %+v: %v, want a refusal: %s", tc.policy, tc.at, err, tc.want)
		}
	}
}
