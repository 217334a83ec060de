package agent

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"

	gossh "golang.org/x/crypto/ssh"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/internal/fault"
)

// The config maps that say whom to trust: our own before Argo CD's.
func knownHostsMaps() []string {
	return []string{"trueup-ssh-known-hosts", "argocd-ssh-known-hosts-cm"}
}
func tlsCertsMaps() []string { return []string{"trueup-tls-certs", "argocd-tls-certs-cm"} }

// trust adds the host keys and the authorities that the namespace's config
// maps hold for a repository's host.
func (c *Credentials) trust(ctx context.Context, raw string, a *access) error {
	at := canonical(raw)
	if strings.HasPrefix(at, "ssh://") {
		return c.knownHosts(ctx, a)
	}
	if !strings.Contains(at, "://") {
		at = "https://" + at // a registry
	}
	u, err := url.Parse(at)
	if err != nil || u.Hostname() == "" {
		return nil
	}
	for _, name := range tlsCertsMaps() {
		m, err := c.configMap(ctx, name)
		if err != nil {
			return err
		}
		bundle := m.Data[u.Hostname()]
		if bundle == "" {
			continue
		}
		if !x509.NewCertPool().AppendCertsFromPEM([]byte(bundle)) {
			return fault.New(fault.Invalid, "the config map %s/%s: %s holds no certificate", c.Namespace, name, u.Hostname())
		}
		a.ca = append(append(append([]byte{}, a.ca...), '\n'), bundle...)
	}
	return nil
}

// knownHosts gathers host keys. A line that cannot be read is left out and
// told, as OpenSSH does: it must not lock us out of all other hosts.
func (c *Credentials) knownHosts(ctx context.Context, a *access) error {
	for _, name := range knownHostsMaps() {
		m, err := c.configMap(ctx, name)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(m.Data["ssh_known_hosts"], "\n") {
			line = strings.TrimSpace(line)
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if _, _, _, _, _, err := gossh.ParseKnownHosts([]byte(line)); err != nil {
				c.tell(m, fmt.Errorf("the config map %s/%s: ssh_known_hosts:%d cannot be read and is left out: %w", c.Namespace, name, i+1, err))
				continue
			}
			a.knownHosts += "\n" + line
		}
	}
	return nil
}

// configMap is one of the agent's namespace, empty where there is none.
func (c *Credentials) configMap(ctx context.Context, name string) (*corev1.ConfigMap, error) {
	m := &corev1.ConfigMap{}
	err := c.Reader.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: name}, m)
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("read the config map %s: %w", name, err)
	}
	return m, nil
}
