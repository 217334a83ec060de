package render

import "github.com/trueup-dev/trueup/internal/snapshot"

// Chart is a Helm chart that another engine's source is made of, and what
// "helm template" would be told about it.
type Chart struct {
	// Tree holds the chart in the folder Path.
	Tree snapshot.Tree
	Path string
	// Release is the release's name. NameTemplate, where it is set, makes it.
	Release, NameTemplate, Namespace string
	// Values go over the chart's own.
	Values                            map[string]any
	IncludeCRDs, SkipTests, SkipHooks bool
	// KubeVersion and APIVersions, where they are set, stand for what the
	// destination serves.
	KubeVersion  string
	APIVersions  []string
	Capabilities Capabilities
	// More, Live and Warn are those of the Request.
	More Opener
	Live Live
	Warn func(warning string)
}
