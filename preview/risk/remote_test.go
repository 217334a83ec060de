package risk_test

import (
	"testing"

	"github.com/trueup-dev/trueup/preview/risk"
)

func TestUnpinned(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		kind     risk.RemoteKind
		revision string
		pinned   bool
	}{
		{risk.Repository, "0123456789abcdef0123456789abcdef01234567", true},
		{risk.Repository, "v1.2.3", true},
		{risk.Repository, "web-1.2.3", true},
		{risk.Repository, "kustomize/v5.0.0-rc.1", true},
		{risk.Repository, "refs/tags/nightly", true},
		{risk.Repository, "main", false},
		{risk.Repository, "release-1.2", false},
		{risk.Repository, "", false},
		{risk.Repository, "HEAD", false},
		{risk.Repository, "1.2.*", false},
		{risk.Chart, "1.2.3", true},
		{risk.Chart, "1.2.3+build", true},
		{risk.Chart, "^1.2.3", false},
		{risk.Chart, "1.x", false},
		{risk.Chart, ">=1.0.0 <2.0.0", false},
		{risk.Chart, "", false},
		{risk.Artifact, "sha256:0123", true},
		{risk.Artifact, "1.2.3", true},
		{risk.Artifact, "latest", false},
		{risk.WebFile, "", false},
	} {
		r := risk.Remote{Name: "x", Kind: tc.kind, Revision: tc.revision}
		if why := r.Unpinned(); (why == "") != tc.pinned {
			t.Errorf("%s at %q: %q", tc.kind, tc.revision, why)
		}
	}
}
