package agent

import (
	"errors"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/internal/kube"
)

// TestTurnsOfACluster: applications are looked at when their cluster falls
// silent for too long, when it is back, and when other kinds are refused, of
// which the one says nothing about the other.
func TestTurnsOfACluster(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	broken := func(kind string, after time.Duration, alone bool) kube.Break {
		return kube.Break{Kind: schema.GroupVersionKind{Version: "v1", Kind: kind}, Since: began.Add(after), Err: errors.New(kind + " is broken"), Alone: alone}
	}
	at := func(after time.Duration, breaks ...kube.Break) reach {
		return reachOf(breaks, observed{patience: time.Minute}.overdue, began.Add(after))
	}
	denied, other := broken("Secret", 0, true), broken("ConfigMap", 0, true)
	cut, later := broken("Service", time.Minute, false), broken("Pod", 2*time.Minute, false)
	const (
		silent = "the cluster is unreachable: what is known of it counts no more"
		back   = "the cluster can be watched again"
		others = "the kinds that the cluster does not let be watched are others now"
	)
	if is := at(3*time.Minute, denied, later, cut); !is.since.Equal(cut.Since) || is.cause.Error() != "Service is broken" || is.refused != "Secret" {
		t.Errorf("the first break and what is refused are told as %+v", is)
	}
	for name, tc := range map[string]struct {
		was, is reach
		text    string
	}{
		"nothing is broken":                      {at(0), at(time.Hour), ""},
		"a break of a moment":                    {at(time.Minute), at(90*time.Second, cut), ""},
		"which ends":                             {at(90*time.Second, cut), at(2 * time.Minute), back},
		"one that lasts":                         {at(90*time.Second, cut), at(2*time.Minute, cut), silent},
		"which goes on":                          {at(2*time.Minute, cut), at(time.Hour, cut), ""},
		"which ends after long":                  {at(time.Hour, cut), at(time.Hour), back},
		"which gives way to one of a moment":     {at(150*time.Second, cut), at(160*time.Second, later), back},
		"a kind is refused for a moment":         {at(0), at(time.Second, denied), ""},
		"a kind is refused for long":             {at(time.Second, denied), at(time.Minute, denied), others},
		"another one as well":                    {at(time.Minute, denied), at(time.Minute, other, denied), others},
		"it is allowed again":                    {at(time.Minute, denied), at(2 * time.Minute), others},
		"a cluster falls silent that refused":    {at(90*time.Second, denied, cut), at(2*time.Minute, denied, cut), silent},
		"a cluster is back that refuses as ever": {at(2*time.Minute, denied, cut), at(3*time.Minute, denied), back},
	} {
		if text := tc.was.turns(tc.is); text != tc.text {
			t.Errorf("%s: %q, want %q", name, text, tc.text)
		}
	}
}
