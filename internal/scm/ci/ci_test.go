package ci_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/scm/ci"
)

// environment reads NAME=VALUE lines of the file env; the other files are
// there to be read.
func environment(archive *txtar.Archive) ci.Environment {
	variables, files := map[string]string{}, map[string][]byte{}
	for _, f := range archive.Files {
		files[f.Name] = f.Data
		if f.Name != "env" {
			continue
		}
		for lines := bufio.NewScanner(strings.NewReader(string(f.Data))); lines.Scan(); {
			if name, value, ok := strings.Cut(lines.Text(), "="); ok {
				variables[name] = value
			}
		}
	}
	return ci.Environment{
		Getenv: func(name string) string { return variables[name] },
		ReadFile: func(name string) ([]byte, error) {
			if data, ok := files[name]; ok {
				return data, nil
			}
			return nil, os.ErrNotExist
		},
	}
}

// TestDetect tells for the environment of each system what is found in it.
func TestDetect(t *testing.T) {
	t.Parallel()
	golden.Archives(t, "want", func(t *testing.T, archive *txtar.Archive) string {
		t.Helper()
		e := environment(archive)
		j, err := e.Detect()
		var b strings.Builder
		if err != nil {
			return fmt.Sprintf("%s: %v\n", fault.Of(err), err)
		}
		for _, line := range [][2]string{
			{"system", j.System}, {"forge", string(j.Forge)}, {"api", j.API}, {"organization", j.Organization}, {"owner", j.Owner}, {"repo", j.Repo},
			{"number", fmt.Sprint(j.Number)}, {"head", j.Head}, {"target", j.Target}, {"base", j.Base}, {"fork", fork(j)},
			{"url", j.URL}, {"summary", j.Summary}, {"deeper", j.Deeper},
		} {
			if line[1] != "" {
				fmt.Fprintf(&b, "%s: %s\n", line[0], line[1])
			}
		}
		token, names := e.Token(j.Forge)
		if token.Value == "" {
			fmt.Fprintf(&b, "no token in %s\n", strings.Join(names, ", "))
			return b.String()
		}
		fmt.Fprintf(&b, "token from %s, user %q, basic %v, of a job %v\n", token.From, token.User, token.Basic, token.Job)
		return b.String()
	})
}

func fork(j ci.Job) string {
	if j.Untold {
		return "not told"
	}
	return fmt.Sprint(j.Fork)
}

func TestUnreadableEvent(t *testing.T) {
	t.Parallel()
	e := ci.Environment{
		Getenv: func(name string) string {
			return map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "a/b", "GITHUB_EVENT_PATH": "x"}[name]
		},
		ReadFile: func(string) ([]byte, error) { return nil, errors.New("no such file") },
	}
	if _, err := e.Detect(); fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), "GITHUB_EVENT_PATH: no such file") {
		t.Errorf("got %v", err)
	}
}

func TestPull(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		address string
		place   ci.Place
		number  int64
	}{
		{"https://github.com/shop/config/pull/7", ci.Place{Forge: ci.GitHub, Owner: "shop", Repo: "config"}, 7},
		{"https://github.example.com/shop/config/pull/7/files", ci.Place{Forge: ci.GitHub, API: "https://github.example.com", Owner: "shop", Repo: "config"}, 7},
		{"https://gitlab.com/shop/sub/config/-/merge_requests/12#note_1", ci.Place{Forge: ci.GitLab, Owner: "shop/sub", Repo: "config"}, 12},
		{"https://git.example.com/shop/config/merge_requests/12", ci.Place{Forge: ci.GitLab, API: "https://git.example.com", Owner: "shop", Repo: "config"}, 12},
		{"http://127.0.0.1:3000/ana/shop/pulls/3", ci.Place{Forge: ci.Gitea, API: "http://127.0.0.1:3000", Owner: "ana", Repo: "shop"}, 3},
		{"https://example.com/git/ana/shop/pulls/3", ci.Place{Forge: ci.Gitea, API: "https://example.com/git", Owner: "ana", Repo: "shop"}, 3},
		{"https://bitbucket.org/shop/config/pull-requests/5/", ci.Place{Forge: ci.Bitbucket, Owner: "shop", Repo: "config"}, 5},
		{"https://bb.example.com/x/projects/SHOP/repos/config/pull-requests/5/overview", ci.Place{Forge: ci.BitbucketServer, API: "https://bb.example.com/x", Owner: "SHOP", Repo: "config"}, 5},
		{"https://bb.example.com/users/ana/repos/config/pull-requests/5", ci.Place{Forge: ci.BitbucketServer, API: "https://bb.example.com", Owner: "~ana", Repo: "config"}, 5},
		{"https://dev.azure.com/org/My%20Project/_git/config/pullrequest/8", ci.Place{Forge: ci.AzureDevOps, Organization: "org", Owner: "My Project", Repo: "config"}, 8},
		{"https://org.visualstudio.com/store/_git/config/pullrequest/8", ci.Place{Forge: ci.AzureDevOps, Organization: "org", Owner: "store", Repo: "config"}, 8},
		{"https://tfs.example.com/tfs/org/store/_git/config/pullrequest/8", ci.Place{Forge: ci.AzureDevOps, API: "https://tfs.example.com/tfs", Organization: "org", Owner: "store", Repo: "config"}, 8},
	} {
		place, number, err := ci.Pull(tc.address)
		if err != nil || number != tc.number {
			t.Errorf("%s: %d, %v", tc.address, number, err)
		}
		if diff := cmp.Diff(tc.place, place); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.address, diff)
		}
	}
	for _, address := range []string{"", "x", "ssh://git@github.com/a/b/pull/1", "https://github.com/a/b", "https://github.com/a/b/pull/x", "https://github.com/a/b/pull/-1",
		"https://example.com/pulls/3", "https://bitbucket.org/pull-requests/5", "https://x/_git/config/pullrequest/8", "https://example.com/merge_requests/1", "%"} {
		if p, n, err := ci.Pull(address); fault.Of(err) != fault.Invalid {
			t.Errorf("%q is %v, %d, %v", address, p, n, err)
		}
	}
	if _, _, err := ci.Pull("https://ana:s3cret@example.com/x"); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
}

func TestRemote(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		address string
		forge   ci.Forge
		api     string
		want    ci.Place
	}{
		{"git@github.com:shop/config.git", "", "", ci.Place{Forge: ci.GitHub, Owner: "shop", Repo: "config"}},
		{"https://token@github.com/shop/config", "", "", ci.Place{Forge: ci.GitHub, Owner: "shop", Repo: "config"}},
		{"ssh://git@gitlab.example.com:2222/shop/sub/config.git", "", "", ci.Place{Forge: ci.GitLab, API: "https://gitlab.example.com", Owner: "shop/sub", Repo: "config"}},
		{"https://codeberg.org/ana/shop.git", "", "", ci.Place{Forge: ci.Gitea, API: "https://codeberg.org", Owner: "ana", Repo: "shop"}},
		{"http://127.0.0.1:3000/ana/shop.git", ci.Gitea, "", ci.Place{Forge: ci.Gitea, API: "http://127.0.0.1:3000", Owner: "ana", Repo: "shop"}},
		{"git@git.example.com:ana/shop", ci.Gitea, "https://git.example.com:3000", ci.Place{Forge: ci.Gitea, API: "https://git.example.com:3000", Owner: "ana", Repo: "shop"}},
		{"git@bitbucket.org:shop/config.git", "", "", ci.Place{Forge: ci.Bitbucket, Owner: "shop", Repo: "config"}},
		{"https://bitbucket.example.com/scm/SHOP/config.git", "", "", ci.Place{Forge: ci.BitbucketServer, API: "https://bitbucket.example.com", Owner: "SHOP", Repo: "config"}},
		{"https://org@dev.azure.com/org/store/_git/config", "", "", ci.Place{Forge: ci.AzureDevOps, Organization: "org", Owner: "store", Repo: "config"}},
		{"git@ssh.dev.azure.com:v3/org/store/config", "", "", ci.Place{Forge: ci.AzureDevOps, Organization: "org", Owner: "store", Repo: "config"}},
	} {
		got, err := ci.Remote(tc.address, tc.forge, tc.api)
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", tc.address, err, diff)
		}
	}
	for _, tc := range []struct {
		address string
		forge   ci.Forge
		text    string
	}{
		{"https://ghp_s3cret@git.example.com/a/b.git", "", "git.example.com/a/b.git does not tell which forge it is: say --forge"},
		{"ghp_s3cret@git.example.com:a/b.git", "", "git.example.com/a/b.git does not tell which forge it is: say --forge"},
		{"/srv/config", ci.GitHub, "say --forge-url"},
		{"https://github.com/config", "", "an owner and a repository"},
		{"https://dev.azure.com/org/config", "", "an organization, a project and a repository"},
	} {
		if p, err := ci.Remote(tc.address, tc.forge, ""); fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), tc.text) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s is %v, %v", tc.address, p, err)
		}
	}
}

// FuzzPull holds that whatever a variable holds is a place or an error.
func FuzzPull(f *testing.F) {
	f.Add("https://github.com/shop/config/pull/7")
	f.Add("https://dev.azure.com/org/p/_git/r/pullrequest/8")
	f.Add("https://x/pulls/1/pull-requests/2")
	f.Fuzz(func(t *testing.T, address string) {
		place, number, err := ci.Pull(address)
		if err == nil && (number <= 0 || place.Forge == "" || place.Owner == "" || place.Repo == "") {
			t.Errorf("%q is %v, %d", address, place, number)
		}
		_, _ = ci.Remote(address, "", "")
	})
}
