package page_test

import (
	"fmt"
	"html"
	"strings"
	"testing"
	"time"

	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/page"
	"github.com/trueup-dev/trueup/preview/risk"
	"github.com/trueup-dev/trueup/preview/show"
)

// TestLiveState holds that the page tells each verdict and each edit, as text.
func TestLiveState(t *testing.T) {
	t.Parallel()
	r := preview.Report{Live: &preview.Live{
		Destinations: []preview.Destination{
			{Cluster: "eu-1", AsOf: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Objects: []preview.Judged{
				{Application: "web", Kind: "Service", Name: "web", Verdict: preview.Rejected, Cause: preview.ByWebhook, By: "<script>x", Reason: "no </ul>"},
				{Application: "web", Kind: "ConfigMap", Name: "c", Verdict: preview.Overwrite, Overwrites: []preview.Edit{{Path: "data.x", Live: "<img src=x>", Base: "a", Head: "b", Manager: "kubectl"}}},
			}},
			{Cluster: "us-1", Unknown: "dial tcp: i/o timeout", LeftOut: 3},
		},
		Risks: []risk.Finding{{Rule: "rejected", Severity: risk.Critical, Object: "Service web", Message: "would be rejected"}},
	}}
	var b strings.Builder
	if err := page.Write(&b, r, "change"); err != nil {
		t.Fatal(err)
	}
	text := html.UnescapeString(b.String())
	var want []string
	for _, c := range show.LiveClusters(r.Live) {
		want = append(want, c.Names, c.Text)
	}
	for _, item := range show.LiveItems(r.Live) {
		want = append(append(want, item.Text, item.Where), item.Details...)
	}
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("the page does not tell %q", w)
		}
	}
	if len(want) != 9 {
		t.Errorf("there are %d texts: %q", len(want), want)
	}
	for _, markup := range []string{"<script>x", "<img", "no </ul>"} {
		if strings.Contains(b.String(), markup) {
			t.Errorf("%s became markup", markup)
		}
	}
	for i := range 7 {
		d := r.Live.Destinations[0]
		d.Cluster = fmt.Sprintf("cluster-%d", i)
		r.Live.Destinations = append(r.Live.Destinations, d)
	}
	b.Reset()
	if err := page.Write(&b, r, "change"); err != nil || strings.Count(b.String(), "cluster-6") != 3 {
		t.Errorf("a cluster of many is told of %d times, in the sum and with both verdicts: %v", strings.Count(b.String(), "cluster-6"), err)
	}
	r.Live = nil
	b.Reset()
	if err := page.Write(&b, r, "change"); err != nil || strings.Contains(b.String(), "Live state") {
		t.Errorf("without clusters there is a live state, or %v", err)
	}
}
