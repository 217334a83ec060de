package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/reconcile/plan"
)

func TestHelmHooks(t *testing.T) {
	t.Parallel()
	const before, succeeded, failed = "BeforeHookCreation", "HookSucceeded", "HookFailed"
	for _, tc := range []struct {
		reason      string
		annotations map[string]string
		hook        string
		wave        int
		policies    []string
	}{
		{"no hook", nil, "", 0, []string{before}},
		{"a CRD's hook is none", map[string]string{"helm.sh/hook": "crd-install"}, "", 0, []string{before}},
		{"before an installation", map[string]string{"helm.sh/hook": "pre-install"}, "PreSync", 0, []string{before}},
		{"before both is once", map[string]string{"helm.sh/hook": "pre-install, pre-upgrade"}, "PreSync", 0, []string{before}},
		{"before and after", map[string]string{"helm.sh/hook": "pre-install,post-upgrade"}, "PreSync,PostSync", 0, []string{before}},
		{"after", map[string]string{"helm.sh/hook": "post-install"}, "PostSync", 0, []string{before}},
		{"before a deletion", map[string]string{"helm.sh/hook": "pre-delete"}, "PreDelete", 0, []string{before}},
		{"after a deletion", map[string]string{"helm.sh/hook": "post-delete"}, "PostDelete", 0, []string{before}},
		{"a rollback has no part in a sync", map[string]string{"helm.sh/hook": "pre-rollback,post-rollback"}, "Skip", 0, []string{before}},
		{"nor has a test", map[string]string{"helm.sh/hook": "test"}, "Skip", 0, []string{before}},
		{"what has a part counts", map[string]string{"helm.sh/hook": "test,post-install"}, "PostSync", 0, []string{before}},
		{"weight and policies", map[string]string{"helm.sh/hook": "pre-install", "helm.sh/hook-weight": "-5", "helm.sh/hook-delete-policy": "hook-succeeded,hook-failed"},
			"PreSync", -5, []string{succeeded, failed}},
		{"a wave is stronger than a weight", map[string]string{"helm.sh/hook": "pre-install", "helm.sh/hook-weight": "-5", "argocd.argoproj.io/sync-wave": "2"}, "PreSync", 2, []string{before}},
		{"a hook of Argo CD's makes Helm's words void",
			map[string]string{"argocd.argoproj.io/hook": "Sync", "helm.sh/hook": "pre-install", "helm.sh/hook-delete-policy": "hook-failed"}, "Sync", 0, []string{before}},
		{"so does one of ours", map[string]string{"trueup.dev/hook": "PostSync", "trueup.dev/hook-delete-policy": "HookFailed", "helm.sh/hook": "test"}, "PostSync", 0, []string{failed}},
		{"a weight that is no number", map[string]string{"helm.sh/hook": "pre-install", "helm.sh/hook-weight": "first"}, "PreSync", 0, []string{before}},
	} {
		u := &unstructured.Unstructured{}
		u.SetAnnotations(tc.annotations)
		if plan.HookOf(u) != tc.hook || plan.WaveOf(u) != tc.wave {
			t.Errorf("%s: hook %q, wave %d", tc.reason, plan.HookOf(u), plan.WaveOf(u))
		}
		if diff := cmp.Diff(tc.policies, plan.HookDeletePolicies(u)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}
