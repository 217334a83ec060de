package repourl_test

import (
	"testing"

	"github.com/trueup-dev/trueup/internal/repourl"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		raw, want string
		secret    bool
	}{
		{"https://host/org/repo.git", "https://host/org/repo.git", false},
		{"HTTPS://Host/org", "HTTPS://Host/org", false},
		{"https://bob@host/org", "https://bob@host/org", false},
		{"https://bob:s3cret@host/org", "https://bob:xxxxx@host/org", true},
		{"https://:s3cret@host/org", "https://:xxxxx@host/org", true},
		{"ssh://git:s3cret@host:22/org", "ssh://git:xxxxx@host:22/org", true},
		{"https://host/v.yaml?token=s3cret", "https://host/v.yaml", true},
		{"https://bob:s3/cr@et@host/org", "https://bob:xxxxx@host/org", true},
		{"https://bob:s3%zzcret@host/org?token=s3cret", "https://bob:xxxxx@host/org", true},
		{"https:/bob:s3cret@host/org", "https:/bob:xxxxx@host/org", true},
		{"https:bob:s3cret@host/org", "https:bob:xxxxx@host/org", true},
		{"git@host:org/repo.git", "git@host:org/repo.git", false},
		{"registry.example.com/chart:1.0@sha256:00", "registry.example.com/chart:1.0@sha256:00", false},
		{"../base?", "../base?", false},
	} {
		if got := repourl.Redact(tc.raw); got != tc.want {
			t.Errorf("Redact(%s) is %s, want %s", tc.raw, got, tc.want)
		}
		if got := repourl.Secret(tc.raw); got != tc.secret {
			t.Errorf("Secret(%s) is %v", tc.raw, got)
		}
	}
}

func TestBare(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://host/org/repo.git":              "https://host/org/repo.git",
		"https://x-access-token:s3cret@host/org": "https://host/org",
		"https://token@host/org?private=1#x":     "https://host/org",
		"ssh://git:s3cret@host:22/org":           "ssh://git@host:22/org",
		"git@host:org/repo.git":                  "git@host:org/repo.git",
		"file:///srv/git":                        "file:///srv/git",
		"https:bob:s3cret@host/org":              "",
		"https://bob:s3%zzcret@host/org":         "",
	} {
		if got := repourl.Bare(raw); got != want {
			t.Errorf("Bare(%s) is %s, want %s", raw, got, want)
		}
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://Git.Example.com/org/repo.git":    "git.example.com/org/repo",
		"https://bob:x@git.example.com/org/repo/": "git.example.com/org/repo",
		"ssh://git@git.example.com:22/org/repo":   "git.example.com/org/repo",
		"git@git.example.com:org/repo.git":        "git.example.com/org/repo",
		"git@git.example.com:/org/repo.git":       "git.example.com/org/repo",
		"git.example.com:org/repo":                "git.example.com/org/repo",
		"https://git.example.com":                 "https://git.example.com",
		"./repo":                                  "./repo",
		"./with:colon":                            "./with:colon",
	} {
		if got := repourl.Place(raw); got != want {
			t.Errorf("Place(%s) is %s, want %s", raw, got, want)
		}
	}
}
