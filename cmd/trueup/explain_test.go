package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/reconcile"
)

// TestExplainWhatIsNoFile: a rendering also depends on what is in no
// repository.
func TestExplainWhatIsNoFile(t *testing.T) {
	t.Parallel()
	sha, target, keys := strings.Repeat("0123abcd", 5), "main", "fingerprint"
	at := snapshot.Location{RepoURL: "https://git.example.com/config.git", Revision: "main"}
	for _, tc := range []struct {
		reason string
		reads  render.Reads
		want   string
	}{
		{"nothing", render.Reads{}, "  https://git.example.com/config.git main\n    nothing: it is there for other sources to read from\n"},
		{"the commit", render.Reads{Commit: &sha}, "  the commit itself, by the build environment " + short(sha) + "\n"},
		{"its name", render.Reads{Target: &target}, "  the targetRevision, by the build environment main\n"},
		{"keys", render.Reads{Keys: &keys}, "  the keys that open encrypted files\n"},
		{
			"live objects", render.Reads{Live: []render.LookedUp{{Query: render.Query{APIVersion: "v1", Kind: "Secret", Namespace: "shop", Name: "db"}}}},
			"  the live v1 Secret shop/db\n",
		},
		{
			"a tree that is not there", render.Reads{More: []render.Opened{{At: snapshot.Location{RepoURL: "https://git.example.com/base"}, Failed: "not found"}}},
			"  https://git.example.com/base\n    cannot be opened: not found\n",
		},
	} {
		var b strings.Builder
		explainSource(&b, reconcile.SourceReads{At: at, Reads: tc.reads})
		if diff := cmp.Diff(tc.want, b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}
