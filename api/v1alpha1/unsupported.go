package v1alpha1

import (
	"fmt"
	"strings"
)

// Unsupported lists the paths of fields that are set and that this version
// does not act upon, in the order of the document, for a condition and a
// warning.
func Unsupported(app *Application) []string {
	u := &unsupported{}
	s := &app.Spec
	if s.Source != nil && len(s.Sources) == 0 {
		u.source(s.Source, "spec.source")
	}
	for i := range s.Sources {
		u.source(&s.Sources[i], fmt.Sprintf("spec.sources[%d]", i))
	}
	u.add(s.SourceHydrator != nil, "spec.sourceHydrator")
	u.add(len(s.DependsOn) > 0, "spec.dependsOn")
	if p := s.SyncPolicy; p != nil {
		u.add(p.Retry != nil && p.Retry.Refresh, "spec.syncPolicy.retry.refresh")
		u.options(p.SyncOptions, "spec.syncPolicy.syncOptions")
	}
	if op := app.Operation; op != nil {
		u.operation(op)
	}
	return u.paths
}

type unsupported struct{ paths []string }

func (u *unsupported) add(set bool, path string) {
	if set {
		u.paths = append(u.paths, path)
	}
}

func (u *unsupported) source(s *ApplicationSource, path string) {
	u.add(s.Plugin != nil, path+".plugin")
	u.add(s.Helm != nil && s.Helm.Version != "", path+".helm.version")
	u.add(s.Kustomize != nil && s.Kustomize.Version != "", path+".kustomize.version")
}

func (u *unsupported) operation(op *Operation) {
	u.add(op.Retry != (RetryStrategy{}), "operation.retry")
	s := op.Sync
	if s == nil {
		return
	}
	u.add(s.SyncStrategy != nil, "operation.sync.syncStrategy")
	u.add(s.Source != nil, "operation.sync.source")
	u.add(len(s.Sources) > 0, "operation.sync.sources")
	u.add(len(s.Manifests) > 0, "operation.sync.manifests")
	u.options(s.SyncOptions, "operation.sync.syncOptions")
}

// options names the sync options without effect. Some that Argo CD has to be
// asked for are what is done in any case.
func (u *unsupported) options(all SyncOptions, path string) {
	for i, option := range all {
		switch strings.ReplaceAll(option, " ", "") {
		case "CreateNamespace=true", "CreateNamespace=false", "PruneLast=true", "PruneLast=false",
			"ServerSideApply=true", "ApplyOutOfSyncOnly=true", "Validate=true", "FailOnSharedResource=true",
			"SkipDryRunOnMissingResource=true", "PrunePropagationPolicy=background", "Replace=false", "Force=false",
			"RespectIgnoreDifferences=true", "RespectIgnoreDifferences=false", "ClientSideApplyMigration=false":
		default:
			u.add(true, fmt.Sprintf("%s[%d] (%s)", path, i, option))
		}
	}
}
