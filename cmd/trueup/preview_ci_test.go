package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/scm/ci"
	"github.com/trueup-dev/trueup/internal/scm/scmtest"
)

// job is a pull request in a copy of its repository, and a forge that has it.
type job struct {
	*previewed
	forge *scmtest.Server
	env   map[string]string
	head  string
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:%s"}]}
`

func newJob(t *testing.T) *job {
	t.Helper()
	j := &job{previewed: newPreviewed(t), forge: scmtest.Gitea(t, scmtest.Shop())}
	app := `apiVersion: trueup.dev/v1alpha1
kind: Application
metadata: {name: web, namespace: trueup}
spec:
  project: default
  source: {repoURL: git@git.example.com:config.git, path: web, targetRevision: main}
  destination: {name: eu, namespace: shop}
`
	j.commit(map[string]string{"apps/web.yaml": app, "web/deploy.yaml": fmt.Sprintf(deployment, "1.0")})
	main := j.hash()
	// As a CI system clones: branches of the remote, and a head that has none.
	if err := j.repo.Storer.SetReference(plumbing.NewHashReference("refs/remotes/origin/main", main)); err != nil {
		t.Fatal(err)
	}
	j.checkout("feature", true)
	j.push("1.1")
	event := filepath.Join(t.TempDir(), "event.json")
	text := fmt.Sprintf(`{"pull_request":{"number":1,"head":{"ref":"feature","sha":%q,"repo":{"id":11}},"base":{"ref":"main","sha":%q,"repo":{"id":11}}}}`, j.head, main)
	if err := os.WriteFile(event, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	j.env = map[string]string{
		"GITEA_ACTIONS": "true", "GITHUB_SERVER_URL": j.forge.URL, "GITHUB_REPOSITORY": "shop/web", "GITHUB_EVENT_PATH": event, "GITHUB_RUN_ID": "12",
		"GITEA_TOKEN": scmtest.Token,
	}
	return j
}

func (j *job) hash() plumbing.Hash {
	j.t.Helper()
	head, err := j.repo.Head()
	if err != nil {
		j.t.Fatal(err)
	}
	return head.Hash()
}

// push makes the change's next commit, of which the forge knows.
func (j *job) push(image string) {
	j.t.Helper()
	j.commit(map[string]string{"web/deploy.yaml": fmt.Sprintf(deployment, image)})
	j.head = j.hash().String()
	j.forge.Change(func(w *scmtest.World) { w.Repositories[0].Pulls[0].SHA = j.head })
}

func (j *job) run(args ...string) (code int, stdout, stderr string) {
	j.t.Helper()
	return previewIn(j.t, ci.Environment{Getenv: func(name string) string { return j.env[name] }, ReadFile: os.ReadFile}, append([]string{"--repo", j.dir, "--cache-dir", ""}, args...)...)
}

// previewIn runs the command in an environment.
func previewIn(t *testing.T, env ci.Environment, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd := newPreviewCommandIn(env, streams{in: strings.NewReader(""), out: &out, err: &errOut})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	var ended exitCode
	var usage usageError
	switch {
	case err == nil:
	case errors.As(err, &ended):
		code = int(ended)
	case errors.As(err, &usage):
		code = exitUsage
		fmt.Fprintln(&errOut, err)
	default:
		code = exitError
		fmt.Fprintln(&errOut, err)
	}
	return code, out.String(), errOut.String()
}

// posted are the comments of the pull request, each with its first lines, and
// the statuses.
func (j *job) posted() (out []string) {
	j.forge.Change(func(w *scmtest.World) {
		for _, c := range w.Talk.Comments[1] {
			lines := strings.SplitN(c.Body, "\n", 3)
			out = append(out, c.Author+": "+strings.Join(lines[:min(2, len(lines))], " / "))
		}
		for _, s := range w.Talk.Statuses {
			if s.Commit == j.head {
				out = append(out, s.Name+" "+s.State+": "+s.Description)
			}
		}
	})
	return out
}

func (j *job) expect(want ...string) {
	j.t.Helper()
	if diff := cmp.Diff(want, j.posted()); diff != "" {
		j.t.Errorf("posted (-want +got):\n%s", diff)
	}
}

const ofCI = "bot: <!-- trueup:preview v1 instance=ci --> / "

// TestPreviewInCI posts one comment and edits it, and sets the status of each
// head.
func TestPreviewInCI(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	j.env["GITHUB_STEP_SUMMARY"] = filepath.Join(t.TempDir(), "summary.md")
	code, stdout, stderr := j.run("--ci")
	if code != exitDrift || !strings.Contains(stderr, "posted to shop/web, pull request 1") || !strings.Contains(stdout, "+ spec.template.spec.containers[name=web].image: web:1.1") {
		t.Errorf("%d\n%s\n%s", code, stdout, stderr)
	}
	j.expect(ofCI+"### Preview: 1 of 1 application changes: 1 update", "trueup/preview pending: looking for what changes", "trueup/preview success: 1 of 1 application changes: 1 update")
	summary, err := os.ReadFile(j.env["GITHUB_STEP_SUMMARY"])
	if err != nil || !strings.Contains(string(summary), "### Preview: 1 of 1 application changes") {
		t.Errorf("the summary: %v\n%s", err, summary)
	}
	j.push("1.0") // as it is on the target
	j.env["GITHUB_EVENT_PATH"] = ""
	j.env["GITHUB_REF"] = "refs/pull/1/head"
	if code, _, stderr := j.run("--ci"); code != exitOK {
		t.Errorf("%d %s", code, stderr)
	}
	j.expect(ofCI+"### Preview: nothing changes in 1 application", "trueup/preview pending: looking for what changes", "trueup/preview success: nothing changes in 1 application")
	// A preview of another instance is beside it; a risk fails its status.
	j.push("latest")
	if code, _, stderr := j.run("--ci", "--instance", "prod", "--fail-on", "warning", "--report-url", "https://ci.example.com/report"); code != exitError || !strings.Contains(stderr, "a risk is warning") {
		t.Errorf("%d %s", code, stderr)
	}
	j.expect(ofCI+"### Preview: nothing changes in 1 application", "bot: <!-- trueup:preview v1 instance=prod --> / ### Preview: 1 of 1 application changes: 1 update",
		"trueup/preview/prod pending: looking for what changes", "trueup/preview/prod failure: 1 of 1 application changes: 1 update")
	j.forge.Change(func(w *scmtest.World) {
		if url := w.Talk.Statuses[len(w.Talk.Statuses)-1].URL; url != "https://ci.example.com/report" {
			t.Errorf("the status leads to %q", url)
		}
	})
}

// TestNotPosted: the report is printed as Markdown, with the reason, and the
// exit code is the same.
func TestNotPosted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*job)
		args   []string
		reason string
	}{
		"no token":              {func(j *job) { delete(j.env, "GITEA_TOKEN") }, nil, "not posted: there is no token in GITEA_TOKEN, FORGEJO_TOKEN, GITHUB_TOKEN"},
		"a token that may read": {func(j *job) { j.forge.Break(readOnly) }, nil, "not posted: comment on the pull request 1: make a comment in shop/web#1: POST"},
		"a token that ended":    {func(j *job) { j.env["GITEA_TOKEN"] = "old-token" }, nil, "401 Unauthorized"},
		"no pull request":       {func(j *job) { j.env["GITHUB_EVENT_PATH"] = "" }, nil, "not posted: the job is not of a pull request"},
		"another head by now": {func(j *job) {
			j.forge.Change(func(w *scmtest.World) { w.Repositories[0].Pulls[0].SHA = strings.Repeat("a", 40) })
		}, nil, "not posted: the pull request has another head by now, aaaaaaa"},
		"a pull request not there": {func(*job) {}, []string{"--pr", "99", "--head", "feature", "--base", "origin/main"}, "not posted: read the pull request shop/web#99"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t)
			tc.change(j)
			code, stdout, stderr := j.run(append([]string{"--ci"}, tc.args...)...)
			if code != exitDrift || !strings.Contains(stderr, tc.reason) || strings.Contains(stderr, scmtest.Token) || strings.Contains(stderr, "old-token") {
				t.Errorf("%d %s", code, stderr)
			}
			if !strings.HasPrefix(stdout, "<!-- trueup:preview v1 instance=ci -->\n### Preview: 1 of 1 application changes") {
				t.Errorf("printed\n%s", stdout)
			}
			for _, one := range j.posted() {
				if strings.HasPrefix(one, "bot: ") {
					t.Errorf("posted %s", one)
				}
			}
		})
	}
}

func readOnly(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet {
		return false
	}
	w.WriteHeader(http.StatusForbidden)
	_, _ = fmt.Fprint(w, `{"message":"Resource not accessible by integration"}`)
	return true
}

// TestFailedPreview: the comment does not stay at its beginning.
func TestFailedPreview(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	if err := j.repo.Storer.RemoveReference("refs/remotes/origin/main"); err != nil {
		t.Fatal(err)
	}
	if err := j.repo.Storer.RemoveReference("refs/heads/main"); err != nil {
		t.Fatal(err)
	}
	j.forge.Change(func(w *scmtest.World) {
		w.Talk.Say(1, scmtest.Me, "<!-- trueup:preview v1 instance=ci -->\n### Preview: an older one")
	})
	code, stdout, stderr := j.run("--ci")
	if code != exitError || stdout != "" || !strings.Contains(stderr, "lacks the branch main, which the pull request is to be merged into (give actions/checkout fetch-depth: 0; git fetch origin main gets the branch)") {
		t.Errorf("%d\n%s\n%s", code, stdout, stderr)
	}
	j.expect(ofCI+"### Preview: it failed", "trueup/preview failure: the preview failed")
}

// TestPreviewOfANumber is for those at a terminal.
func TestPreviewOfANumber(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	j.env = map[string]string{"GITEA_TOKEN": scmtest.Token}
	for _, args := range [][]string{
		{"--pr", j.forge.URL + "/shop/web/pulls/1"},
		{"--pr", "1", "--forge", "gitea", "--forge-url", j.forge.URL, "--url", j.forge.URL + "/shop/web.git"},
	} {
		if code, _, stderr := j.run(args...); code != exitDrift || !strings.Contains(stderr, "posted to shop/web, pull request 1") {
			t.Errorf("%v: %d %s", args, code, stderr)
		}
	}
	j.expect(ofCI+"### Preview: 1 of 1 application changes: 1 update", "trueup/preview pending: looking for what changes", "trueup/preview success: 1 of 1 application changes: 1 update",
		"trueup/preview pending: looking for what changes", "trueup/preview success: 1 of 1 application changes: 1 update")
	for _, tc := range []struct {
		code int
		args []string
		text string
	}{
		{exitUsage, []string{"--pr", "0"}, "--pr is 0: the number of a pull request, or its address"},
		{exitUsage, []string{"--pr", "https://example.com/x"}, "it has the form of no forge's"},
		{exitError, []string{"--pr", "1"}, "git.example.com/config.git does not tell which forge it is: say --forge"},
		{exitUsage, []string{"--pr", "1", "--forge", "sourcehut"}, "--forge"},
		{exitError, []string{"--ci"}, "find the pull request of this job (--pr names one): this is not a job of a CI system"},
	} {
		if code, _, stderr := j.run(tc.args...); code != tc.code || !strings.Contains(stderr, tc.text) {
			t.Errorf("%v: %d %s", tc.args, code, stderr)
		}
	}
}
