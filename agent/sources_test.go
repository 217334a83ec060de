package agent_test

import (
	"fmt"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/registry"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// served is a Git repository behind a server of its own.
func served(t *testing.T) (url string, commit func(content string)) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "config")
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=Ana", "-c", "user.email=a@example.com"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	run("init", "-q", "-b", "main")
	commit = func(content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		run("add", "-A")
		run("commit", "-q", "-m", content)
	}
	server := httptest.NewServer(&cgi.Handler{
		Path: filepath.Join(run("--exec-path"), "git-http-backend"),
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1",
			"GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	})
	t.Cleanup(server.Close)
	return server.URL + "/config", commit
}

// TestSourcesOfOneURL: who takes a Git repository for one of charts, or for a
// file, keeps nobody from seeing its commits; and what nobody opened is not
// asked for anything.
func TestSourcesOfOneURL(t *testing.T) {
	t.Parallel()
	url, commit := served(t)
	commit("a: 1")
	s := agent.Sources{
		Git: git.New(git.Options{Dir: t.TempDir()}),
		Registry: registry.New(registry.Options{Dir: t.TempDir(), Files: registry.FileOptions{
			Schemes: []string{"http"}, PrivateHosts: []string{"127.0.0.1"},
		}}),
	}
	poll := func() string {
		changed, err := s.Poll(t.Context(), url)
		return fmt.Sprint(changed, " ", fault.Of(err))
	}
	if got := poll(); got != "false " {
		t.Errorf("before anything was opened: %s", got)
	}
	for _, at := range []snapshot.Location{{RepoURL: url, Chart: "web"}, {RepoURL: url, File: true}} {
		if _, err := s.Tree(t.Context(), at); fault.Of(err) != fault.Missing {
			t.Errorf("%+v: %v", at, err)
		}
	}
	if got := poll(); got != "false Missing" {
		t.Errorf("with a chart and a file that are not there: %s", got)
	}
	if _, err := s.Tree(t.Context(), snapshot.Location{RepoURL: url}); err != nil {
		t.Fatal(err)
	}
	poll()
	commit("a: 2")
	if got := poll(); got != "true " {
		t.Errorf("after a commit: %s", got)
	}
	tree, err := s.Tree(t.Context(), snapshot.Location{RepoURL: url})
	if err != nil {
		t.Fatal(err)
	}
	if data, err := tree.FS.ReadFile("a.yaml"); string(data) != "a: 2" {
		t.Errorf("the file reads %q: %v", data, err)
	}
	s.Forget(url)
	if got := poll(); got != "false " || s.Git.Holds(url) || s.Registry.Holds(url) {
		t.Errorf("after it was forgotten: %s", got)
	}
}
