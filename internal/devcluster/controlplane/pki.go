package controlplane

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority signs the certificates of one cluster. It lives in memory; its
// key is written for the controller-manager, which signs requests with it.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	now  time.Time
}

// pair is a certificate and its key, in PEM.
type pair struct{ cert, key []byte }

func newAuthority(now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := certificate(pkix.Name{CommonName: "devcluster-ca"}, now)
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{cert: cert, key: key, now: now}, nil
}

// certificate starts a template; it is valid for a year, and from an hour ago
// so that a clock that is set back does no harm.
func certificate(subject pkix.Name, now time.Time) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)) // never fails since Go 1.24
	return &x509.Certificate{
		SerialNumber: serial, Subject: subject,
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

// pair returns the authority's own certificate and key.
func (a *authority) pair() (pair, error) { return encode(a.cert.Raw, a.key) }

// client issues the identity of a user in groups.
func (a *authority) client(user string, groups ...string) (pair, error) {
	template := certificate(pkix.Name{CommonName: user, Organization: groups}, a.now)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.issue(template)
}

// server issues the certificate that every component of the cluster shows.
// etcd shows it to its peers as a client too.
func (a *authority) server() (pair, error) {
	template := certificate(pkix.Name{CommonName: "kubernetes"}, a.now)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.DNSNames = []string{
		"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
	}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback, net.ParseIP(serviceIP)}
	return a.issue(template)
}

func (a *authority) issue(template *x509.Certificate) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return pair{}, fmt.Errorf("issue a certificate for %s: %w", template.Subject.CommonName, err)
	}
	return encode(der, key)
}

func encode(der []byte, key *ecdsa.PrivateKey) (pair, error) {
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return pair{}, err
	}
	return pair{cert: block("CERTIFICATE", der), key: block("EC PRIVATE KEY", raw)}, nil
}

func block(kind string, der []byte) []byte {
	var b bytes.Buffer
	_ = pem.Encode(&b, &pem.Block{Type: kind, Bytes: der}) // a buffer takes every write
	return b.Bytes()
}

// identities are the certificates and keys of a cluster by file name, without
// ".crt" and ".key".
type identities map[string]pair

const adminGroup = "system:masters"

// newIdentities makes every key that a cluster needs.
func newIdentities(now time.Time) (identities, error) {
	ca, err := newAuthority(now)
	if err != nil {
		return nil, fmt.Errorf("make the certificate authority: %w", err)
	}
	ids := identities{}
	for name, make := range map[string]func() (pair, error){
		"ca":              ca.pair,
		"server":          ca.server,
		"etcd-client":     func() (pair, error) { return ca.client("kube-apiserver-etcd-client") },
		"admin":           func() (pair, error) { return ca.client("kubernetes-admin", adminGroup) },
		controllerManager: func() (pair, error) { return ca.client("system:kube-controller-manager") },
		scheduler:         func() (pair, error) { return ca.client("system:kube-scheduler") },
		// KWOK plays every node's kubelet, and kubelets may not speak for each other.
		kwok:              func() (pair, error) { return ca.client("kwok", adminGroup) },
		Auditor:           func() (pair, error) { return ca.client(Auditor, adminGroup) },
		"service-account": serviceAccountKeys,
	} {
		if ids[name], err = make(); err != nil {
			return nil, fmt.Errorf("make the keys of %s: %w", name, err)
		}
	}
	return ids, nil
}

// serviceAccountKeys sign and verify tokens; the public key takes the place of
// a certificate.
func serviceAccountKeys() (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return pair{}, err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return pair{}, err
	}
	return pair{cert: block("PUBLIC KEY", public), key: block("EC PRIVATE KEY", private)}, nil
}

// write stores the keys in a folder that only its owner can read.
func (ids identities) write(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("store keys: %w", err)
	}
	for name, p := range ids {
		for file, data := range map[string][]byte{name + ".crt": p.cert, name + ".key": p.key} {
			if err := os.WriteFile(filepath.Join(dir, file), data, 0o600); err != nil {
				return fmt.Errorf("store keys: %w", err)
			}
		}
	}
	return nil
}
