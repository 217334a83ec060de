package controlplane

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func leaf(t *testing.T, p pair) *x509.Certificate {
	t.Helper()
	cert, err := tls.X509KeyPair(p.cert, p.key)
	if err != nil {
		t.Fatal(err)
	}
	return cert.Leaf
}

func TestIdentitiesAreSignedByTheClustersAuthority(t *testing.T) {
	t.Parallel()
	ids, err := newIdentities(noon)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf(t, ids["ca"]))
	for _, test := range []struct {
		file, user string
		groups     []string
		usage      x509.ExtKeyUsage
	}{
		{"admin", "kubernetes-admin", []string{"system:masters"}, x509.ExtKeyUsageClientAuth},
		{"kube-controller-manager", "system:kube-controller-manager", nil, x509.ExtKeyUsageClientAuth},
		{"kube-scheduler", "system:kube-scheduler", nil, x509.ExtKeyUsageClientAuth},
		{"kwok", "kwok", []string{"system:masters"}, x509.ExtKeyUsageClientAuth},
		{"etcd-client", "kube-apiserver-etcd-client", nil, x509.ExtKeyUsageClientAuth},
		{"server", "kubernetes", nil, x509.ExtKeyUsageServerAuth},
	} {
		cert := leaf(t, ids[test.file])
		if cert.Subject.CommonName != test.user || !slices.Equal(cert.Subject.Organization, test.groups) {
			t.Errorf("%s speaks for %s, want %s in %v", test.file, cert.Subject, test.user, test.groups)
		}
		options := x509.VerifyOptions{Roots: roots, CurrentTime: noon, KeyUsages: []x509.ExtKeyUsage{test.usage}}
		if _, err := cert.Verify(options); err != nil {
			t.Errorf("%s: %v", test.file, err)
		}
	}
	for _, host := range []string{"127.0.0.1", "::1", "localhost", "kubernetes.default.svc", serviceIP} {
		if err := leaf(t, ids["server"]).VerifyHostname(host); err != nil {
			t.Errorf("server: %v", err)
		}
	}
}

func TestKeysAreReadableByTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	ids, err := newIdentities(noon)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "pki")
	if err := ids.write(dir); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "kubeconfig")
	if err := writeKubeconfig(config, kubeconfig("hub", "admin", "https://127.0.0.1:1", ids)); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2*len(ids)+1 {
		t.Errorf("%d files, want two for each of %d identities, and the kubeconfig", len(entries), len(ids))
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", e.Name(), info.Mode(), err)
		}
	}
}

func TestKubeconfigHoldsTheKeysOfItsUser(t *testing.T) {
	t.Parallel()
	ids, err := newIdentities(noon)
	if err != nil {
		t.Fatal(err)
	}
	server, ca, user := readKubeconfig(t, kubeconfig("hub", "admin", "https://127.0.0.1:6443", ids))
	if server != "https://127.0.0.1:6443" {
		t.Errorf("server %s", server)
	}
	if string(ca) != string(ids["ca"].cert) || string(user.cert) != string(ids["admin"].cert) || string(user.key) != string(ids["admin"].key) {
		t.Error("the keys differ from the administrator's")
	}
}

// readKubeconfig takes apart a file of our own making.
func readKubeconfig(t *testing.T, data []byte) (server string, ca []byte, user pair) {
	t.Helper()
	field := func(name string) string {
		m := regexp.MustCompile(`(?m)^ +` + name + `: (\S+)$`).FindSubmatch(data)
		if m == nil {
			t.Fatalf("no %s in the kubeconfig:\n%s", name, data)
		}
		return string(m[1])
	}
	decoded := func(name string) []byte {
		b, err := base64.StdEncoding.DecodeString(field(name))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return b
	}
	return field("server"), decoded("certificate-authority-data"),
		pair{cert: decoded("client-certificate-data"), key: decoded("client-key-data")}
}
