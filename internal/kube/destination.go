package kube

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"

	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
)

// The label by which secrets register clusters and repositories, as in
// Argo CD.
const (
	SecretTypeLabel = "argocd.argoproj.io/secret-type"
	SecretCluster   = "cluster"
	SecretRepo      = "repository"
	SecretRepoCreds = "repo-creds"
)

// The label, and the annotation, of secrets with keys of encrypted files.
const (
	KeyTypeLabel = "trueup.dev/secret-type"
	KeyTypeSOPS  = "sops-keys"
	KeyProject   = "trueup.dev/project"
)

// Registration is a cluster that a secret registers.
type Registration struct {
	Name, Server, Project string
	Labels, Annotations   map[string]string
	Config                *rest.Config
}

// Cluster is what generators see of a registration.
func (r Registration) Cluster() appset.Cluster {
	return appset.Cluster{Name: r.Name, Server: r.Server, Project: r.Project, Labels: r.Labels, Annotations: r.Annotations}
}

// clusterConfig is the secret's field "config".
type clusterConfig struct {
	Username        string          `json:"username,omitempty"`
	Password        string          `json:"password,omitempty"`
	BearerToken     string          `json:"bearerToken,omitempty"`
	AWSAuthConfig   json.RawMessage `json:"awsAuthConfig,omitempty"`
	ExecProvider    json.RawMessage `json:"execProviderConfig,omitempty"`
	ProxyURL        string          `json:"proxyUrl,omitempty"`
	TLSClientConfig struct {
		Insecure   bool   `json:"insecure"`
		ServerName string `json:"serverName,omitempty"`
		CAData     string `json:"caData,omitempty"`
		CertData   string `json:"certData,omitempty"`
		KeyData    string `json:"keyData,omitempty"`
	} `json:"tlsClientConfig"`
}

// Identify reads what a cluster secret in Argo CD's form calls its cluster,
// without the credentials.
func Identify(s *corev1.Secret) Registration {
	r := Registration{
		Name: string(s.Data["name"]), Server: string(s.Data["server"]), Project: string(s.Data["project"]),
		Labels: s.Labels, Annotations: s.Annotations,
	}
	if r.Name == "" {
		r.Name = r.Server
	}
	return r
}

// FromSecret reads a cluster secret with its credentials. Those that need a
// program to be run are refused.
func FromSecret(s *corev1.Secret) (Registration, error) {
	r := Identify(s)
	if r.Server == "" {
		return r, fault.New(fault.Invalid, "cluster secret %s/%s names no server", s.Namespace, s.Name)
	}
	var c clusterConfig
	if raw := s.Data["config"]; len(raw) > 0 {
		if err := json.Unmarshal(raw, &c); err != nil {
			// The text may hold credentials: the error must not quote it.
			return r, fault.New(fault.Invalid, "cluster secret %s/%s: its config is no valid JSON", s.Namespace, s.Name)
		}
	}
	if len(c.ExecProvider) > 0 || len(c.AWSAuthConfig) > 0 {
		return r, fault.New(fault.Invalid, "cluster secret %s/%s: credentials from a program are not supported; use a bearer token or a client certificate", s.Namespace, s.Name)
	}
	r.Config = &rest.Config{Host: r.Server, Username: c.Username, Password: c.Password, BearerToken: c.BearerToken}
	r.Config.Insecure, r.Config.ServerName = c.TLSClientConfig.Insecure, c.TLSClientConfig.ServerName
	for _, part := range []struct {
		name, text string
		into       *[]byte
	}{
		{"caData", c.TLSClientConfig.CAData, &r.Config.CAData},
		{"certData", c.TLSClientConfig.CertData, &r.Config.CertData},
		{"keyData", c.TLSClientConfig.KeyData, &r.Config.KeyData},
	} {
		data, err := base64.StdEncoding.DecodeString(part.text)
		if err != nil {
			return r, fault.New(fault.Invalid, "cluster secret %s/%s: tlsClientConfig.%s is not base64", s.Namespace, s.Name, part.name)
		}
		*part.into = data
	}
	return r, nil
}

// ToSecret is the inverse of FromSecret, for registering a cluster.
func ToSecret(namespace, name string, config *rest.Config) (*corev1.Secret, error) {
	if config.ExecProvider != nil || config.AuthProvider != nil {
		return nil, fault.New(fault.Invalid, "the credentials of this context come from a program; make a service account and use its token")
	}
	if err := rest.LoadTLSFiles(config); err != nil {
		return nil, fmt.Errorf("read the context's certificates: %w", err)
	}
	var c clusterConfig
	c.Username, c.Password, c.BearerToken = config.Username, config.Password, config.BearerToken
	t := &c.TLSClientConfig
	t.Insecure, t.ServerName = config.Insecure, config.ServerName
	encode := base64.StdEncoding.EncodeToString
	t.CAData, t.CertData, t.KeyData = encode(config.CAData), encode(config.CertData), encode(config.KeyData)
	data, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	s := &corev1.Secret{Data: map[string][]byte{"name": []byte(name), "server": []byte(config.Host), "config": data}}
	s.APIVersion, s.Kind = "v1", "Secret"
	s.Namespace, s.Name = namespace, "cluster-"+name
	s.Labels = map[string]string{SecretTypeLabel: SecretCluster}
	return s, nil
}
