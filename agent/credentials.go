package agent

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/kube"
)

// Credentials finds a repository's credentials in secrets of Argo CD's form:
// one for the repository itself, or else the one for the longest prefix of
// its URL.
type Credentials struct {
	Reader    client.Reader
	Namespace string
}

var _ git.Credentials = Credentials{}

// For implements git.Credentials.
func (c Credentials) For(ctx context.Context, url string) (git.Auth, error) {
	url = canonical(url)
	var best *corev1.Secret
	for _, kind := range []string{kube.SecretRepo, kube.SecretRepoCreds} {
		var list corev1.SecretList
		if err := c.Reader.List(ctx, &list, client.InNamespace(c.Namespace), client.MatchingLabels{kube.SecretTypeLabel: kind}); err != nil {
			return git.Auth{}, fmt.Errorf("list %s secrets: %w", kind, err)
		}
		for i := range list.Items {
			s := &list.Items[i]
			at := canonical(string(s.Data["url"]))
			exact := kind == kube.SecretRepo && at == url
			prefix := kind == kube.SecretRepoCreds && at != "" && strings.HasPrefix(url+"/", strings.TrimRight(at, "/")+"/")
			if exact || prefix && (best == nil || len(at) > len(canonical(string(best.Data["url"])))) {
				best = s
			}
		}
		if best != nil && hasCredentials(best) {
			break
		}
	}
	if best == nil {
		return git.Auth{}, nil
	}
	text := func(key string) string { return string(best.Data[key]) }
	return git.Auth{
		Username: text("username"), Password: text("password"), BearerToken: text("bearerToken"),
		SSHPrivateKey: text("sshPrivateKey"), KnownHosts: text("sshKnownHosts"),
		Insecure: text("insecure") == "true" || text("insecureIgnoreHostKey") == "true", CA: best.Data["tlsCaCert"],
	}, nil
}

func hasCredentials(s *corev1.Secret) bool {
	return len(s.Data["password"])+len(s.Data["bearerToken"])+len(s.Data["sshPrivateKey"]) > 0
}

// canonical is a URL in the form in which two names of one repository are
// the same.
func canonical(url string) string { return strings.TrimSuffix(git.Normalize(url), ".git") }
