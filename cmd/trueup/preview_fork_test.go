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
