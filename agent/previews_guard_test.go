package agent

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/agent/previews"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/preview/post"
)

// TestHowFarTrusted: what nobody merged is closed, unless the repository's
// Secret trusts its branches; a fork is never trusted.
func TestHowFarTrusted(t *testing.T) {
	t.Parallel()
	p := &previewer{closed: render.New(nil, render.DefaultLimits()), public: func(context.Context, snapshot.Location) bool { return true }}
	for name, tc := range map[string]struct {
		fork, trust       bool
		untrusted, closed bool
	}{
		"a branch":                       {closed: true},
		"a branch that is trusted":       {trust: true},
		"a fork":                         {fork: true, untrusted: true},
		"a fork, of trusted branches so": {fork: true, trust: true, untrusted: true},
	} {
		g := p.guard(previews.Repository{Settings: previews.Settings{TrustBranches: tc.trust}}, post.Pull{Fork: tc.fork})
		if g.Untrusted != tc.untrusted || g.Closed != tc.closed || (g.Renderer != nil) != tc.closed || (g.Public != nil) != tc.closed {
			t.Errorf("%s: %+v", name, g)
		}
	}
}

// TestPublic: only what no Secret lets into is public.
func TestPublic(t *testing.T) {
	t.Parallel()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "trueup", Name: "x", Labels: map[string]string{kube.SecretTypeLabel: kube.SecretRepoCreds}},
		Data:       map[string][]byte{"url": []byte("https://git.example.com/private"), "password": []byte("x")},
	}
	c := &Credentials{Reader: fakeCluster(t, secret).Build(), Namespace: "trueup"}
	for url, want := range map[string]bool{
		"https://git.example.com/private/x.git": false, "https://git.example.com/public/x.git": true, "https://charts.example.com/all": true, "file:///x": false,
	} {
		if got := c.public(t.Context(), snapshot.Location{RepoURL: url}); got != want {
			t.Errorf("%s: %v", url, got)
		}
	}
}
