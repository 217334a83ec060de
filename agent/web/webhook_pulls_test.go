package web_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/agent/web"
)

// TestPulls: a pull request's number and head are told, comments on it too, and
// those on anything else are not.
func TestPulls(t *testing.T) {
	t.Parallel()
	const sha = "a00945762949b7787503adc01c1d7c2b14d2b1d7"
	with := func(name, more string) string {
		body := strings.TrimSpace(payload(t, name))
		return strings.TrimSuffix(body, "}") + "," + more + "}"
	}
	githubSigned, giteaSigned := "X-Hub-Signature-256: sha256=SIGNED", "X-Gitea-Signature: SIGNED"
	note := strings.ReplaceAll(payload(t, "gitlab"), `"push"`, `"note"`)
	merge := strings.ReplaceAll(payload(t, "gitlab"), `"push"`, `"merge_request"`)
	extend := func(body, more string) string {
		return strings.TrimSuffix(strings.TrimSpace(body), "}") + "," + more + "}"
	}
	for _, tc := range []struct {
		reason, body string
		headers      []string
		code         int
		want         []string
	}{
		{"GitHub's pull request", with("github", `"pull_request": {"number": 7, "head": {"sha": "`+sha+`"}}`), []string{"X-GitHub-Event: pull_request", githubSigned}, 202, []string{"7 " + sha}},
		{"GitHub's comment", with("github", `"issue": {"number": 7, "pull_request": {"url": "x"}}`), []string{"X-GitHub-Event: issue_comment", githubSigned}, 202, []string{"7 "}},
		{"a comment on an issue", with("github", `"issue": {"number": 7}`), []string{"X-GitHub-Event: issue_comment", githubSigned}, 204, nil},
		{"a head that is no commit", with("github", `"pull_request": {"number": 7, "head": {"sha": "main"}}`), []string{"X-GitHub-Event: pull_request", githubSigned}, 202, []string{"7 "}},
		{"a number that is none", with("github", `"pull_request": {"number": -7}`), []string{"X-GitHub-Event: pull_request", githubSigned}, 202, nil},
		{"Gitea's comment", with("gitea", `"issue": {"number": 7, "pull_request": {}}, "is_pull": true`), []string{"X-Gitea-Event: issue_comment", giteaSigned}, 202, []string{"7 "}},
		{"Gitea's new commits", with("gitea", `"number": 7, "pull_request": {"number": 7, "head": {"sha": "`+sha+`"}}`), []string{"X-Gitea-Event: pull_request_sync", giteaSigned}, 202, []string{"7 " + sha}},
		{"GitLab's merge request", extend(merge, `"object_attributes": {"iid": 7, "last_commit": {"id": "`+sha+`"}}`), []string{"X-Gitlab-Event: Merge Request Hook", "X-Gitlab-Token: key"}, 202, []string{"7 " + sha}},
		{"GitLab's note", extend(note, `"object_attributes": {"note": "x"}, "merge_request": {"iid": 7}`), []string{"X-Gitlab-Event: Note Hook", "X-Gitlab-Token: key"}, 202, []string{"7 "}},
		{"a note on an issue", extend(note, `"issue": {"iid": 7}`), []string{"X-Gitlab-Event: Note Hook", "X-Gitlab-Token: key"}, 204, nil},
		{"Bitbucket Cloud's comment", with("bitbucket", `"pullrequest": {"id": 7}`), []string{"X-Event-Key: pullrequest:comment_created", "X-Hook-UUID: d2e8c1b4-9d55-4b8e-b3a7-0e5f4a3b2c1d"}, 202, []string{"7 "}},
		{"Bitbucket Server's comment", strings.Replace(payload(t, "bitbucketserver_pull"), "pr:from_ref_updated", "pr:comment:added", 1), []string{"X-Event-Key: pr:comment:added", "X-Hub-Signature: sha256=SIGNED"}, 202, []string{"7 " + sha}},
		{"Azure DevOps", payload(t, "azuredevops_pull"), []string{azure, azureProof}, 202, []string{"7 " + sha}},
		{"Azure DevOps's comment", payload(t, "azuredevops_comment"), []string{azure, azureProof}, 202, []string{"7 " + sha}},
		{"Bitbucket Server", payload(t, "bitbucketserver_pull"), []string{"X-Event-Key: pr:from_ref_updated", "X-Hub-Signature: sha256=SIGNED"}, 202, []string{"7 " + sha}},
	} {
		d := &desk{}
		var got []string
		h := web.Webhooks(web.WebhookOptions{
			Secrets: func(_ context.Context, name string) ([]string, error) { return all()[name], nil }, Pusher: d,
			Pulls: func(urls []string, p web.Pull) int {
				got = append(got, fmt.Sprint(p.Number, " ", p.Head))
				return len(urls)
			},
		})
		if rec := post(h, tc.body, tc.headers...); rec.Code != tc.code {
			t.Errorf("%s: %d %s", tc.reason, rec.Code, rec.Body)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" || len(d.pushed) > 0 {
			t.Errorf("%s: pushed %q (-want +got):\n%s", tc.reason, d.pushed, diff)
		}
	}
}
