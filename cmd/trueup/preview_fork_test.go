package main

import (
	"os"
	"strings"
	"testing"
)

// TestForkIsUntrusted: a job of a change from a fork does not trust it, unless
// it is told to.
func TestForkIsUntrusted(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	event := j.env["GITHUB_EVENT_PATH"]
	text, err := os.ReadFile(event)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		fork bool
		args []string
		want bool
	}{
		{"one of the same repository", false, nil, false},
		{"one from a fork", true, nil, true},
		{"one from a fork that is trusted", true, []string{"--untrusted=false"}, false},
		{"one of the same repository that is not", false, []string{"--untrusted"}, true},
	} {
		said := string(text)
		if tc.fork {
			said = strings.Replace(said, `"repo":{"id":11}`, `"repo":{"id":12}`, 1)
		}
		if err := os.WriteFile(event, []byte(said), 0o600); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := j.run(append([]string{"--ci", "-o", "json"}, tc.args...)...)
		if got := strings.Contains(stdout, `"untrusted": true`); code != exitDrift || got != tc.want {
			t.Errorf("%s: exit code %d, untrusted %v; %s", tc.name, code, got, stderr)
		}
	}
}

// TestForkThatNobodyTells: where neither the job nor the forge tells whether a
// change comes from a fork, it is not trusted. The forge's word counts.
func TestForkThatNobodyTells(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	if err := os.WriteFile(j.env["GITHUB_EVENT_PATH"], []byte(`{"issue":{"number":1,"pull_request":{}},"comment":{"body":"preview"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		token string
		args  []string
		want  bool
		says  string
	}{
		{"the forge tells", j.env["GITEA_TOKEN"], nil, false, "posted to"},
		{"there is no token", "", nil, true, "it is not known whether it comes from a fork (--untrusted=false trusts it): there is no token"},
		{"the forge does not answer", "wrong", nil, true, "it is not known whether it comes from a fork"},
		{"it is trusted all the same", "", []string{"--untrusted=false"}, false, "not posted: there is no token"},
		{"another one is named", "", []string{"--pr", "2"}, true, "it is not known whether it comes from a fork"},
	} {
		j.env["GITEA_TOKEN"] = tc.token
		code, stdout, stderr := j.run(append([]string{"--ci", "-o", "json", "--base", "main"}, tc.args...)...)
		if got := strings.Contains(stdout, `"untrusted": true`); code != exitDrift || got != tc.want || !strings.Contains(stderr, tc.says) {
			t.Errorf("%s: exit code %d, untrusted %v; %s", tc.name, code, got, stderr)
		}
	}
}
