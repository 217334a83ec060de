package agent

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/trueup-dev/trueup/internal/kube"
)

// pushing is a pushes over some repositories, and what it had polled.
func pushing(inUse ...string) (pushes, *[]string) {
	var got []string
	return pushes{inUse: func() []string { return inUse }, now: func(url string) { got = append(got, url) }}, &got
}

func TestPushedFindsTheRepositoryByEachOfItsNames(t *testing.T) {
	t.Parallel()
	inUse := []string{
		"https://git.example/acme/config.git", "git@git.example:acme/config", "ssh://git@git.example:2222/acme/config.git",
		"https://git.example/acme/other", "https://else.example/acme/config", "file:///srv/acme/config", "https://git.example",
	}
	config := inUse[:3]
	for _, tc := range []struct {
		reason string
		urls   []string
		want   []string
	}{
		{"the same URL", []string{"https://git.example/acme/config.git"}, config},
		{"without .git, in upper case, with a slash", []string{"HTTPS://Git.Example/Acme/config/"}, config},
		{"with credentials and a port", []string{"http://ana:pw@git.example:8080/acme/config"}, config},
		{"scp's form", []string{"git@git.example:acme/config.git"}, config},
		{"several names are one push", []string{"git@git.example:acme/config.git", "https://git.example/acme/config"}, config},
		{"a repository that nobody uses", []string{"https://git.example/acme/confi"}, nil},
		{"a folder above", []string{"https://git.example/acme"}, nil},
		{"the host alone", []string{"https://git.example", "https://git.example/"}, nil},
		{"a path on this machine", []string{"file:///srv/acme/config", "/srv/acme/config"}, nil},
		{"what is no URL", []string{"", "%", "://", "https://"}, nil},
	} {
		p, got := pushing(inUse...)
		if n := p.Pushed(tc.urls); n.Repositories != len(tc.want) {
			t.Errorf("%s: %d are named", tc.reason, n.Repositories)
		}
		if diff := cmp.Diff(tc.want, *got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

func TestChangesLookAtSetsOnly(t *testing.T) {
	t.Parallel()
	p, polled := pushing("https://git.example/acme/config")
	var asked []string
	p.sets = func(repositories []string) int {
		asked = append(asked, repositories...)
		return 3
	}
	if n := p.Changed([]string{"https://git.example/Acme/config.git", "git@git.example:acme/config", "%"}); n.ApplicationSets != 3 || n.Repositories != 0 || len(*polled) > 0 {
		t.Errorf("%+v, polled %q", n, *polled)
	}
	if diff := cmp.Diff([]string{"git.example/acme/config"}, asked); diff != "" {
		t.Error(diff)
	}
	if n := p.Changed([]string{"%"}); n.ApplicationSets != 0 {
		t.Errorf("%+v for what is no URL", n)
	}
}

func TestNewCredentialsPollWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	inUse := []string{"https://git.example/acme/config.git", "https://git.example/acme/other", "https://else.example/x"}
	secret := func(version, kind, url string) *corev1.Secret {
		return &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{ResourceVersion: version, Labels: map[string]string{kube.SecretTypeLabel: kind}}, Data: map[string][]byte{"url": []byte(url)},
		}
	}
	config := func(name string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
	}
	for _, tc := range []struct {
		reason   string
		old, now any
		want     []string
	}{
		{"a repository's", nil, secret("1", kube.SecretRepo, "https://git.example/acme/config"), inUse[:1]},
		{"changed", secret("1", kube.SecretRepo, inUse[0]), secret("2", kube.SecretRepo, inUse[0]), inUse[:1]},
		{"told again", secret("1", kube.SecretRepo, inUse[0]), secret("1", kube.SecretRepo, inUse[0]), nil},
		{"a prefix", nil, secret("1", kube.SecretRepoCreds, "https://git.example/acme"), inUse[:2]},
		{"deleted while nobody looked", nil, toolscache.DeletedFinalStateUnknown{Obj: secret("1", kube.SecretRepo, inUse[0])}, inUse[:1]},
		{"a cluster's", nil, secret("1", kube.SecretCluster, inUse[0]), nil},
		{"a secret without url", nil, secret("1", kube.SecretRepoCreds, ""), nil},
		{"whom to trust", nil, config("argocd-tls-certs-cm"), inUse},
		{"another config map", nil, config("kube-root-ca.crt"), nil},
	} {
		p, got := pushing(inUse...)
		p.credentials(tc.old, tc.now)
		if diff := cmp.Diff(tc.want, *got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

// TestOnlyWhatIsUsedIsKept: other secrets of the namespace do not stay in our
// memory.
func TestOnlyWhatIsUsedIsKept(t *testing.T) {
	t.Parallel()
	data := map[string][]byte{"a": []byte("b")}
	for _, tc := range []struct {
		reason string
		object any
		kept   bool
	}{
		{"a registered one", &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{kube.SecretTypeLabel: "repository"}}, Data: data}, true},
		{"one with keys", &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{kube.KeyTypeLabel: kube.KeyTypeSOPS}}, Data: data}, true},
		{"that of webhooks", &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "trueup-webhook"}, Data: data}, true},
		{"another", &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "database"}, Data: data}, false},
		{"host keys", &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "trueup-ssh-known-hosts"}, BinaryData: data}, true},
		{"another config map", &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "page"}, BinaryData: data}, false},
	} {
		out, err := strip(tc.object)
		if err != nil {
			t.Fatal(err)
		}
		kept := false
		switch o := out.(type) {
		case *corev1.Secret:
			kept = len(o.Data) > 0
		case *corev1.ConfigMap:
			kept = len(o.BinaryData) > 0
		}
		if kept != tc.kept {
			t.Errorf("%s: kept is %v", tc.reason, kept)
		}
	}
}
