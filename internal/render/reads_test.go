package render_test

import (
	"context"
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// shelf opens trees by their URL.
type shelf map[string]fstest.MapFS

func (s shelf) Tree(_ context.Context, at snapshot.Location) (snapshot.Tree, error) {
	files, ok := s[at.RepoURL]
	if !ok {
		return snapshot.Tree{}, fmt.Errorf("no repository %s", at.RepoURL)
	}
	return snapshot.Tree{FS: files}, nil
}

// TestReadsHoldUntilAnAnswerChanges: whatever an engine asked, and nothing
// else, makes it run again.
func TestReadsHoldUntilAnAnswerChanges(t *testing.T) {
	t.Parallel()
	world := func() (render.Request, fstest.MapFS, shelf) {
		values, more := fstest.MapFS{"eu.yaml": {Data: []byte("1")}, "us.yaml": {Data: []byte("1")}}, shelf{"base": {"a": {Data: []byte("1")}, "b": {}}}
		req := request(map[string]string{"Chart.yaml": ""}, v1alpha1.ApplicationSource{})
		req.Refs = map[string]snapshot.Tree{"values": {FS: values}, "unused": {FS: fstest.MapFS{}}}
		req.More, req.Capabilities = more, render.NewCapabilities("1.37.2", []string{"v1"})
		return req, values, more
	}
	asking := engine(func(ctx context.Context, req render.Request) ([]render.Manifest, error) {
		if _, err := req.Refs["values"].FS.ReadFile("eu.yaml"); err != nil {
			return nil, err
		}
		tree, err := req.More.Tree(ctx, snapshot.Location{RepoURL: "base"})
		if err != nil {
			return nil, err
		}
		req.Expand("$KUBE_VERSION")
		_, err = tree.FS.ReadFile("a")
		return nil, err
	})
	req, _, _ := world()
	result, err := render.New(map[render.Type]render.Engine{render.Helm: asking}, render.DefaultLimits()).Render(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		reason string
		change func(*render.Request, fstest.MapFS, shelf)
		want   bool
	}{
		{"nothing changed", func(*render.Request, fstest.MapFS, shelf) {}, true},
		{"a file of another source that was not read", func(_ *render.Request, v fstest.MapFS, _ shelf) { v["us.yaml"].Data = []byte("2") }, true},
		{"a file of another source that was read", func(_ *render.Request, v fstest.MapFS, _ shelf) { v["eu.yaml"].Data = []byte("2") }, false},
		{"the other source is gone", func(r *render.Request, _ fstest.MapFS, _ shelf) { r.Refs = nil }, false},
		{"a file of another repository that was not read", func(_ *render.Request, _ fstest.MapFS, s shelf) { s["base"]["b"].Data = []byte("2") }, true},
		{"a file of another repository that was read", func(_ *render.Request, _ fstest.MapFS, s shelf) { s["base"]["a"].Data = []byte("2") }, false},
		{"the other repository is gone", func(_ *render.Request, _ fstest.MapFS, s shelf) { delete(s, "base") }, false},
		{"API versions that nobody asked for", func(r *render.Request, _ fstest.MapFS, _ shelf) {
			r.Capabilities = render.NewCapabilities("1.37.2", nil)
		}, true},
		{"a version that was asked for", func(r *render.Request, _ fstest.MapFS, _ shelf) {
			r.Capabilities = render.NewCapabilities("1.38.0", nil)
		}, false},
	} {
		req, values, more := world()
		tc.change(&req, values, more)
		if got := result.Reads.Changed(t.Context(), req); (got == render.Cause{}) != tc.want {
			t.Errorf("%s: changed is %q", tc.reason, got)
		}
	}
}

// TestPasswordsReachNoDisk: what a rendering depends on is kept across
// restarts, unless a URL in it is a secret.
func TestPasswordsReachNoDisk(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		at   snapshot.Location
		kept int
	}{
		{snapshot.Location{RepoURL: "https://git.example.com/base"}, 1},
		{snapshot.Location{RepoURL: "https://bob@git.example.com/base"}, 1},
		{snapshot.Location{RepoURL: "https://bob:s3cret@git.example.com/base"}, 0},
		{snapshot.Location{RepoURL: "https://web.example.com/v.yaml", File: true}, 1},
		{snapshot.Location{RepoURL: "https://web.example.com/v.yaml?token=s3cret", File: true}, 0},
	} {
		opening := engine(func(ctx context.Context, req render.Request) ([]render.Manifest, error) {
			_, err := req.More.Tree(ctx, tc.at)
			return nil, err
		})
		kept := &disk{}
		c := render.NewCache(render.New(map[render.Type]render.Engine{render.Helm: opening}, render.DefaultLimits()), render.CacheOptions{Store: kept})
		req := request(map[string]string{"Chart.yaml": ""}, v1alpha1.ApplicationSource{})
		req.More = shelf{tc.at.RepoURL: {}}
		if _, err := c.Render(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		if kept.puts != tc.kept {
			t.Errorf("%s: %d results are on the disk, want %d", tc.at.RepoURL, kept.puts, tc.kept)
		}
	}
}
