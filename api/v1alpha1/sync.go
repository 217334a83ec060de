package v1alpha1

import "slices"

// SyncPolicy says when and how to sync.
type SyncPolicy struct {
	Automated   *SyncPolicyAutomated `json:"automated,omitempty"`
	SyncOptions SyncOptions          `json:"syncOptions,omitempty"`
	Retry       *RetryStrategy       `json:"retry,omitempty"`
	// ManagedNamespaceMetadata needs the option CreateNamespace=true.
	ManagedNamespaceMetadata *ManagedNamespaceMetadata `json:"managedNamespaceMetadata,omitempty"`
}

// SyncPolicyAutomated syncs without being asked.
type SyncPolicyAutomated struct {
	Prune    bool `json:"prune,omitempty"`
	SelfHeal bool `json:"selfHeal,omitempty"`
	// AllowEmpty lets a sync prune everything.
	AllowEmpty bool `json:"allowEmpty,omitempty"`
	// Enabled nil means true: the block being there is the switch.
	Enabled *bool `json:"enabled,omitempty"`
}

// IsAutomated reports whether the policy syncs without being asked.
func (p *SyncPolicy) IsAutomated() bool {
	return p != nil && p.Automated != nil && (p.Automated.Enabled == nil || *p.Automated.Enabled)
}

// SyncOptions are words such as CreateNamespace=true.
type SyncOptions []string

// Has reports whether the option, such as "PruneLast=true", is given.
func (o SyncOptions) Has(option string) bool {
	return slices.Contains(o, option)
}

// RetryStrategy repeats a failed sync. A negative limit has no end.
type RetryStrategy struct {
	Limit   int64    `json:"limit,omitempty"`
	Backoff *Backoff `json:"backoff,omitempty"`
	// Refresh retries on the newest revision.
	Refresh bool `json:"refresh,omitempty"`
}

// Backoff waits min(maxDuration, duration * factor^n).
type Backoff struct {
	Duration    string `json:"duration,omitempty"`
	Factor      *int64 `json:"factor,omitempty"`
	MaxDuration string `json:"maxDuration,omitempty"`
}

// ManagedNamespaceMetadata is put on the namespace that a sync creates.
type ManagedNamespaceMetadata struct {
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Operation is one request to sync.
type Operation struct {
	Sync        *SyncOperation     `json:"sync,omitempty"`
	InitiatedBy OperationInitiator `json:"initiatedBy,omitzero"`
	Info        []*Info            `json:"info,omitempty"`
	Retry       RetryStrategy      `json:"retry,omitzero"`
}

// OperationInitiator is who asked.
type OperationInitiator struct {
	Username  string `json:"username,omitempty"`
	Automated bool   `json:"automated,omitempty"`
}

// SyncOperation is what a sync is to do.
type SyncOperation struct {
	Revision              string                  `json:"revision,omitempty"`
	Revisions             []string                `json:"revisions,omitempty"`
	Prune                 bool                    `json:"prune,omitempty"`
	DryRun                bool                    `json:"dryRun,omitempty"`
	SyncStrategy          *SyncStrategy           `json:"syncStrategy,omitempty"`
	Resources             []SyncOperationResource `json:"resources,omitempty"`
	Source                *ApplicationSource      `json:"source,omitempty"`
	Sources               []ApplicationSource     `json:"sources,omitempty"`
	Manifests             []string                `json:"manifests,omitempty"`
	SyncOptions           SyncOptions             `json:"syncOptions,omitempty"`
	AutoHealAttemptsCount int64                   `json:"autoHealAttemptsCount,omitempty"`
	// Drifted limits the sync to what somebody else changed, field by field.
	// Not in Argo CD.
	Drifted bool `json:"drifted,omitempty"`
	// Paths limit a sync of what is drifted to these paths, as reports print
	// them, and to what is below them. Not in Argo CD.
	Paths []string `json:"paths,omitempty"`
	// Undeclared has fields removed that somebody added and that Git does not
	// mention, whatever spec.drift.undeclared says. Not in Argo CD.
	Undeclared bool `json:"undeclared,omitempty"`
}

// SyncOperationResource limits a sync to one object.
type SyncOperationResource struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
}

// SyncStrategy is apply alone, or hooks and apply (the default).
type SyncStrategy struct {
	Apply *SyncStrategyApply `json:"apply,omitempty"`
	Hook  *SyncStrategyHook  `json:"hook,omitempty"`
}

// SyncStrategyApply applies without hooks.
type SyncStrategyApply struct {
	Force bool `json:"force,omitempty"`
}

// SyncStrategyHook runs hooks around the apply.
type SyncStrategyHook struct {
	Force bool `json:"force,omitempty"`
}
