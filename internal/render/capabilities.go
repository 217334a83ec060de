package render

import "sync/atomic"

// Capabilities is what the destination serves. What is asked of them becomes
// part of what a result depends on: a chart that looks at nothing is not
// rendered anew for a new version of a cluster.
type Capabilities struct {
	kubeVersion string
	apiVersions []string
	asked       *asked
}

// NewCapabilities are those of one cluster: a version such as 1.37.2, and API
// versions such as apps/v1 and apps/v1/Deployment.
func NewCapabilities(kubeVersion string, apiVersions []string) Capabilities {
	return Capabilities{kubeVersion: kubeVersion, apiVersions: apiVersions}
}

// KubeVersion is the version of Kubernetes; empty is not known.
func (c Capabilities) KubeVersion() string {
	if c.asked != nil {
		c.asked.kube.Store(true)
	}
	return c.kubeVersion
}

// APIVersions lists what is served. It must not be changed.
func (c Capabilities) APIVersions() []string {
	if c.asked != nil {
		c.asked.apis.Store(true)
	}
	return c.apiVersions
}

// asked is what a result depends on beside files. nil remembers nothing.
type asked struct{ kube, apis, commit, ref atomic.Bool }

func (a *asked) revision() {
	if a != nil {
		a.commit.Store(true)
	}
}

func (a *asked) target() {
	if a != nil {
		a.ref.Store(true)
	}
}

func (a *asked) tell(r *Reads, req Request) {
	if a.kube.Load() {
		r.Kube = &req.Capabilities.kubeVersion
	}
	if a.apis.Load() {
		r.APIs = &req.Capabilities.apiVersions
	}
	if a.commit.Load() {
		r.Commit = &req.Tree.Commit.SHA
	}
	if a.ref.Load() {
		r.Target = &req.Source.TargetRevision
	}
}
