package v1alpha1

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnsupported(t *testing.T) {
	t.Parallel()
	tests := []struct {
		reason string
		app    Application
		want   []string
	}{
		{reason: "a plain source is supported", app: Application{Spec: ApplicationSpec{Source: &ApplicationSource{Path: "x"}}}},
		{
			reason: "a source beside sources is ignored",
			app:    Application{Spec: ApplicationSpec{Source: &ApplicationSource{Plugin: &ApplicationSourcePlugin{}}, Sources: []ApplicationSource{{Path: "x"}}}},
		},
		{
			reason: "each field is named by its path",
			app: Application{
				Spec: ApplicationSpec{
					Sources:           []ApplicationSource{{Plugin: &ApplicationSourcePlugin{}}, {Kustomize: &ApplicationSourceKustomize{Version: "v5"}}},
					SourceHydrator:    &SourceHydrator{},
					IgnoreDifferences: []ResourceIgnoreDifferences{{Kind: "Service"}},
					Drift:             &DriftPolicy{Action: "revert", Undeclared: "remove", Accept: []DriftAcceptance{{Kind: "ConfigMap"}}},
					DependsOn:         []string{"database"},
					SyncPolicy:        &SyncPolicy{Retry: &RetryStrategy{Refresh: true}},
				},
				Operation: &Operation{Retry: RetryStrategy{Limit: 2}, Sync: &SyncOperation{Manifests: []string{"x"}, SyncStrategy: &SyncStrategy{Apply: &SyncStrategyApply{Force: true}}}},
			},
			want: []string{
				"spec.sources[0].plugin", "spec.sources[1].kustomize.version", "spec.sourceHydrator", "spec.dependsOn",
				"spec.syncPolicy.retry.refresh", "operation.retry", "operation.sync.syncStrategy", "operation.sync.manifests",
			},
		},
		{
			reason: "options that say what is done anyway, or that are honoured",
			app: Application{Spec: ApplicationSpec{SyncPolicy: &SyncPolicy{SyncOptions: SyncOptions{
				"CreateNamespace=true", "PruneLast=true", "ServerSideApply=true", "ApplyOutOfSyncOnly=true", "Validate=true", "PrunePropagationPolicy=background", "FailOnSharedResource=true", "RespectIgnoreDifferences=true",
			}}}},
		},
		{
			reason: "options that would change what is done",
			app: Application{
				Spec:      ApplicationSpec{SyncPolicy: &SyncPolicy{SyncOptions: SyncOptions{"Replace=true", "ServerSideApply=false", "Validate=false"}}},
				Operation: &Operation{Sync: &SyncOperation{SyncOptions: SyncOptions{"Force=true"}}},
			},
			want: []string{
				"spec.syncPolicy.syncOptions[0] (Replace=true)", "spec.syncPolicy.syncOptions[1] (ServerSideApply=false)",
				"spec.syncPolicy.syncOptions[2] (Validate=false)", "operation.sync.syncOptions[0] (Force=true)",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, Unsupported(&tt.app)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
