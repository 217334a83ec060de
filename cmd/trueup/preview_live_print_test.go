package main

import (
	"bytes"
	"errors"
	"testing"

	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/post"
)

// TestLiveOnScreen pins what people read of the verdicts that the comment's
// test has too.
func TestLiveOnScreen(t *testing.T) {
	t.Parallel()
	archive, err := txtar.ParseFile("../../preview/comment/testdata/live.txtar")
	if err != nil {
		t.Fatal(err)
	}
	r := preview.Report{Total: 1204, Rendered: 1, Seconds: 1.8}
	for _, f := range archive.Files {
		if f.Name == "live.yaml" {
			if err := yaml.UnmarshalStrict(f.Data, &r.Live); err != nil {
				t.Fatal(err)
			}
		}
	}
	var out bytes.Buffer
	if err := printPreview(streams{out: &out, err: &out}, r, false); err != nil {
		t.Fatal(err)
	}
	golden.File(t, "testdata/preview-live/text.golden", out.String())
}

// TestStatusOfLive: a cluster that is silent ends the command as incomplete,
// and fails no pull request.
func TestStatusOfLive(t *testing.T) {
	t.Parallel()
	silent := &preview.Live{Destinations: []preview.Destination{{Cluster: "eu-1", Unknown: "connection refused"}}}
	app := preview.App{Name: "web", Action: preview.Update, Objects: []preview.Object{{Kind: "ConfigMap", Action: preview.Update}}}
	for _, tc := range []struct {
		reason string
		report preview.Report
		code   int
		state  post.State
	}{
		{"nothing changes", preview.Report{}, exitOK, post.Success},
		{"something does", preview.Report{Apps: []preview.App{app}}, exitDrift, post.Neutral},
		{"a cluster is silent", preview.Report{Apps: []preview.App{app}, Live: silent}, exitIncomplete, post.Neutral},
		{"base fails at it already", preview.Report{Apps: []preview.App{app}, Problems: []preview.Problem{{Message: "no", Before: true}}}, exitIncomplete, post.Neutral},
		{"the change mends it", preview.Report{Apps: []preview.App{app}, Problems: []preview.Problem{{Message: "no", Only: true}}}, exitIncomplete, post.Neutral},
		{"something is not rendered", preview.Report{Apps: []preview.App{app}, Live: silent, Problems: []preview.Problem{{Message: "no"}}}, exitIncomplete, post.Failure},
	} {
		err := verdict(tc.report, "off", streams{err: &bytes.Buffer{}})
		var code exitCode
		if errors.As(err, &code); int(code) != tc.code {
			t.Errorf("%s: exit code %d, want %d", tc.reason, code, tc.code)
		}
		if got := stateOf(err, tc.report); got != tc.state {
			t.Errorf("%s: the status is %s, want %s", tc.reason, got, tc.state)
		}
	}
}
