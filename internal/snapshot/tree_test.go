package snapshot_test

import (
	"testing"

	"github.com/trueup-dev/trueup/internal/snapshot"
)

func TestAdopts(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"": "", "Scale the shop": "",
		"Adopt\n\nText.\n\nTrueup-Adopts: apps/Deployment shop/web spec.replicas\r\nTrueup-Adopts: ConfigMap shop/a data.x\n": "apps/Deployment shop/web spec.replicas\nConfigMap shop/a data.x",
		"Merge pull request #7 from shop/trueup/adopt-shop-1a2b3c4d\n\nAdopt":                                                 "*",
		"Merge branch 'trueup/adopt-shop-1a2b3c4d' into 'main'":                                                               "*",
		"Tell of branches\n\ntrueup/adopt-x is one":                                                                           "",
	} {
		if got := snapshot.Adopts(message); got != want {
			t.Errorf("%q: %q, want %q", message, got, want)
		}
	}
}
