package agent

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/trueup-dev/trueup/agent/previews"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/scm"
	"github.com/trueup-dev/trueup/preview/risk"
)

// TestWhatIsPreviewed: which repositories Secrets and the flag switch on, how,
// and what is wrong with those that a Secret asks for.
func TestWhatIsPreviewed(t *testing.T) {
	t.Parallel()
	const url = "https://github.com/acme/config.git"
	standard := previews.Settings{FailOn: risk.Off, Forks: previews.ForksRestricted}
	type fields = map[string]string
	for name, tc := range map[string]struct {
		own, prefix fields
		enabled     bool
		url         string
		want        *previews.Settings
		err         string
	}{
		"nothing says so":             {own: fields{"password": "x"}},
		"the Secret says so":          {own: fields{"password": "x", "previews": "true"}, want: &standard},
		"the prefix says so":          {own: fields{}, prefix: fields{"password": "x", "previews": "true"}, want: &standard},
		"the Secret against it":       {own: fields{"previews": "false"}, prefix: fields{"password": "x", "previews": "true"}},
		"the flag":                    {own: fields{"password": "x"}, enabled: true, want: &standard},
		"the Secret against the flag": {own: fields{"password": "x", "previews": "false"}, enabled: true},
		"the flag without a token":    {own: fields{"sshPrivateKey": ""}, enabled: true},
		"a token for the forge alone": {own: fields{"forgeToken": "x", "previews": "true"}, url: "git@github.com:acme/config.git", want: &standard},
		"no token":                    {own: fields{"previews": "true"}, err: "preview pull requests of github.com/acme/config: no Secret has a token for its forge"},
		"which forge":                 {own: fields{"password": "x", "previews": "true"}, url: "https://git.example.com/acme/config", err: "the fields forge and forgeURL of its Secret say it"},
		"it says which":               {own: fields{"password": "x", "previews": "true", "forge": "gitea"}, url: "https://git.example.com/acme/config", want: &standard},
		"charts":                      {own: fields{"password": "x", "type": "helm"}, enabled: true},
		"all settings": {
			own:  fields{"password": "x", "previews": "true", "previewFailOn": "warning", "previewForks": "ask", "previewSync": "always", "previewBranches": "trusted"},
			want: &previews.Settings{FailOn: risk.Warning, Forks: previews.ForksAsk, SyncBefore: true, TrustBranches: true},
		},
		"all wrong": {
			own: fields{"password": "x", "previews": "true", "previewFailOn": "red", "previewForks": "x", "previewSync": "x", "previewBranches": "x", "forge": "x"},
			err: "previewFailOn is none of critical, warning, notice, off\npreviewForks is none of restricted, ask, off\npreviewSync is none of merged, always\npreviewBranches is none of restricted, trusted\nforge is none of",
		},
		"neither true nor false": {own: fields{"password": "x", "previews": "maybe"}, err: "previews is neither true nor false"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.url == "" {
				tc.url = url
			}
			b := fake.NewClientBuilder()
			for kind, data := range map[string]fields{kube.SecretRepo: tc.own, kube.SecretRepoCreds: tc.prefix} {
				if data == nil {
					continue
				}
				s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "trueup", Name: kind, UID: types.UID(kind), Labels: map[string]string{kube.SecretTypeLabel: kind}}, Data: map[string][]byte{}}
				s.Data["url"] = []byte(tc.url)
				if kind == kube.SecretRepoCreds {
					s.Data["url"] = []byte("https://github.com/acme")
				}
				for k, v := range data {
					s.Data[k] = []byte(v)
				}
				b.WithObjects(s)
			}
			forges := scm.New(scm.Options{})
			t.Cleanup(forges.Close)
			p := &previewed{
				credentials: &Credentials{Reader: b.Build(), Namespace: "trueup"}, forges: forges, options: PreviewOptions{Enabled: tc.enabled},
				inUse: func() []string { return []string{tc.url, "https://charts.example.com", "file:///x"} },
			}
			got, err := p.Previewed(t.Context())
			if (err != nil) != (tc.err != "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("error %v, want %q", err, tc.err)
			}
			if (len(got) == 1) != (tc.want != nil) || len(got) > 1 {
				t.Fatalf("previewed %+v", got)
			}
			if tc.want == nil {
				return
			}
			if diff := cmp.Diff(*tc.want, got[0].Settings); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if _, err := p.Open(t.Context(), got[0]); err != nil {
				t.Errorf("open: %v", err)
			}
		})
	}
}
