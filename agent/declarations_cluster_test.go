package agent_test

import (
	"context"
	"net/http/cgi"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// serve serves the repository as forges do.
func (w *world) serve() (url string) {
	w.t.Helper()
	w.git("config", "uploadpack.allowFilter", "true")
	w.git("config", "uploadpack.allowAnySHA1InWant", "true")
	out, err := exec.Command("git", "--exec-path").Output()
	w.must(err)
	s := httptest.NewServer(&cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"),
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(w.repo), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1",
			"GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	})
	w.t.Cleanup(s.Close)
	return s.URL + "/config"
}

// TestWhoDeclaredIt: Ana sets replicas, Ben changes another line, somebody
// scales by hand; the status names Ana's commit, though the mirror has no
// history. It still does after a restart, and once more when Ben's next commit
// moves the line.
func TestWhoDeclaredIt(t *testing.T) {
	t.Parallel()
	w := start(t)
	url := w.serve()
	w.write("blamed/web.yaml", strings.Replace(scaled, "replicas: 2", "replicas: 1", 1))
	w.commit("Start the shop")
	w.write("blamed/web.yaml", scaled)
	w.git("add", "-A")
	w.git("commit", "-q", "--author", "Ana <ana@example.com>", "-m", "Scale web to 2\n\nFor the sale.")
	w.write("blamed/web.yaml", strings.ReplaceAll(scaled, "web:1", "web:2"))
	w.git("add", "-A")
	w.git("commit", "-q", "--author", "Ben <ben@example.com>", "-m", "Use the next image")
	w.app("blamed", "blamed", func(a *v1alpha1.Application) {
		a.Spec.Source.RepoURL = url
		a.Spec.SyncPolicy.Automated.SelfHeal = false
	})
	w.await("blamed", "synced and healthy", good)

	web := &appsv1.Deployment{}
	at := client.ObjectKey{Namespace: w.namespace + "-blamed", Name: "web"}
	w.must(w.client.Get(t.Context(), at, web))
	web.Spec.Replicas = new(int32(3))
	web.Spec.Template.Spec.Containers[0].Image = "example.com/debug:1"
	w.must(w.client.Update(t.Context(), web))
	declared := func(a *v1alpha1.Application, path string) *v1alpha1.DriftDeclaration {
		if a.Status.Drift != nil {
			for _, c := range a.Status.Drift.Changes {
				if c.Path == path && c.DeclaredBy != nil && c.DeclaredBy.Commit != "" {
					return c.DeclaredBy
				}
			}
		}
		return nil
	}
	const replicas, image = "spec.replicas", "spec.template.spec.containers[name=web].image"
	line := func(text string) int { return strings.Count(scaled[:strings.Index(scaled, text)], "\n") + 1 }
	app := w.await("blamed", "told who declared it", func(a *v1alpha1.Application) bool { return declared(a, replicas) != nil && declared(a, image) != nil })
	want := v1alpha1.DriftDeclaration{File: "blamed/web.yaml", Line: line("replicas: 2"), Precision: "line", Author: "Ana", Subject: "Scale web to 2"}
	same := cmpopts.IgnoreFields(v1alpha1.DriftDeclaration{}, "Commit", "Time")
	if diff := cmp.Diff(want, *declared(app, replicas), same); diff != "" {
		t.Errorf("the replicas are declared (-want +got)\n%s", diff)
	}
	if got := declared(app, replicas); got.Commit != w.show("HEAD~1") || got.Time == nil || time.Since(got.Time.Time) > time.Hour {
		t.Errorf("the replicas are declared by %+v, want %s", got, w.show("HEAD~1"))
	}
	if got := declared(app, image); got.Author != "Ben" || got.Line != line("image: ") || got.Commit != app.Status.Sync.Revision {
		t.Errorf("the image is declared by %+v", got)
	}
	w.restart()
	w.write("blamed/web.yaml", "# The shop.\n"+strings.ReplaceAll(scaled, "web:1", "web:2")+"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n")
	w.commit("Say what it is")
	w.until("the commit has arrived", func(ctx context.Context) bool {
		return w.client.Get(ctx, client.ObjectKey{Namespace: at.Namespace, Name: "more"}, &corev1.ConfigMap{}) == nil
	})
	// The sync undid what was changed by hand.
	w.until("the replicas are changed again", func(ctx context.Context) bool {
		if w.client.Get(ctx, at, web) != nil || *web.Spec.Replicas != 2 {
			return false
		}
		web.Spec.Replicas = new(int32(4))
		return w.client.Update(ctx, web) == nil
	})
	want.Line++
	w.await("blamed", "told where it is now", func(a *v1alpha1.Application) bool {
		got := declared(a, replicas)
		return got != nil && cmp.Equal(want, *got, same)
	})
	if err := w.client.Delete(t.Context(), web); err != nil {
		t.Fatal(err)
	}
	w.await("blamed", "told who described what is gone", func(a *v1alpha1.Application) bool {
		got := declared(a, "")
		return got != nil && got.Author == "Ben"
	})
}

// show is the id of a commit.
func (w *world) show(revision string) string {
	w.t.Helper()
	cmd := exec.Command("git", "rev-parse", revision)
	cmd.Dir = w.repo
	out, err := cmd.Output()
	w.must(err)
	return strings.TrimSpace(string(out))
}
