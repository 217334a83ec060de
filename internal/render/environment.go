package render

import (
	"os"
	"strings"
)

// Expand fills Argo CD's build environment into a text: $NAME and ${NAME}; $$
// is a dollar sign, and an unknown name is empty.
func (r Request) Expand(text string) string {
	return os.Expand(text, func(name string) string {
		sha := r.Tree.Commit.SHA
		if strings.HasPrefix(name, "ARGOCD_APP_REVISION") {
			r.Capabilities.asked.revision()
		}
		switch name {
		case "$":
			return "$"
		case "ARGOCD_APP_NAME":
			return r.id()
		case "ARGOCD_APP_NAMESPACE":
			return r.Namespace
		case "ARGOCD_APP_PROJECT_NAME":
			return r.Project
		case "ARGOCD_APP_REVISION":
			return sha
		case "ARGOCD_APP_REVISION_SHORT":
			return sha[:min(7, len(sha))]
		case "ARGOCD_APP_REVISION_SHORT_8":
			return sha[:min(8, len(sha))]
		case "ARGOCD_APP_SOURCE_PATH":
			return r.Source.Path
		case "ARGOCD_APP_SOURCE_REPO_URL":
			return r.Source.RepoURL
		case "ARGOCD_APP_SOURCE_TARGET_REVISION":
			r.Capabilities.asked.target()
			return r.Source.TargetRevision
		case "KUBE_VERSION":
			return r.Capabilities.KubeVersion()
		case "KUBE_API_VERSIONS":
			return strings.Join(r.Capabilities.APIVersions(), ",")
		}
		return ""
	})
}

// id is the name by which Argo CD's build environment and files know the
// application.
func (r Request) id() string {
	if r.ID != "" {
		return r.ID
	}
	return r.App
}
