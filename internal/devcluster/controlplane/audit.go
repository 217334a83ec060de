package controlplane

import (
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"fmt"
	"math/big"
	"net"
	"os"
)

//go:embed audit-policy.yaml
var auditPolicy []byte

// Auditor is the user whose certificate a cluster with audit events has beside
// the administrator's: DIR/<name>/pki/ana.kubeconfig. Audit events tell the two
// apart.
const Auditor = "ana"

// Audit is how a cluster tells of the requests to it: in a log, and by webhook
// to an address of this machine at which somebody may listen.
type Audit struct {
	Log     string `json:"log"`
	Address string `json:"address"` // host and port
	Path    string `json:"path"`
	Token   string `json:"token"` // that it bears
	// Cert and Key are files that whoever listens may prove the address with.
	Cert string `json:"cert"`
	Key  string `json:"key"`
}

const auditWebhookFormat = `apiVersion: v1
kind: Config
clusters:
- name: audit
  cluster: {server: "https://%s%s", certificate-authority: "%s"}
users:
- name: audit
  user: {token: %s}
contexts:
- name: audit
  context: {cluster: audit, user: audit}
current-context: audit
`

// audit makes what the API server reads, and DIR/<name>/audit.json for those
// who listen.
func (s *start) audit() error {
	port, err := quietPort()
	if err != nil {
		return err
	}
	a := Audit{
		Log: s.path("logs", "audit.jsonl"), Address: fmt.Sprintf("127.0.0.1:%d", port), Path: "/api/audit/" + s.name, Token: rand.Text(),
		Cert: s.pki("server.crt"), Key: s.pki("server.key"),
	}
	about, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(a.Log); err != nil { // the last cluster's
		return err
	}
	for file, data := range map[string][]byte{
		s.pki("audit-policy.yaml"):     auditPolicy,
		s.pki("audit-webhook.yaml"):    fmt.Appendf(nil, auditWebhookFormat, a.Address, a.Path, s.pki("ca.crt"), a.Token),
		s.path("audit.json"):           about,
		s.pki(Auditor + ".kubeconfig"): s.userConfig(Auditor),
	} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			return fmt.Errorf("set up audit events: %w", err)
		}
	}
	s.audited = a.Log
	return nil
}

// auditArguments send events soon, and give up soon: nobody may listen.
func auditArguments(l layout, log string) []string {
	return []string{
		"--audit-policy-file=" + l.pki("audit-policy.yaml"),
		"--audit-log-path=" + log, "--audit-log-maxsize=50", "--audit-log-maxbackup=1",
		"--audit-webhook-config-file=" + l.pki("audit-webhook.yaml"),
		"--audit-webhook-batch-max-wait=250ms", "--audit-webhook-initial-backoff=250ms",
	}
}

// quietPort is a free port outside of those that systems hand out: whoever
// listens there comes later than the cluster.
func quietPort() (int, error) {
	const first, count, attempts = 20_000, 10_000, 100
	var last error
	for range attempts {
		n, err := rand.Int(rand.Reader, big.NewInt(count))
		if err != nil {
			return 0, err
		}
		port := first + int(n.Int64())
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, l.Close()
		}
		last = err
	}
	return 0, fmt.Errorf("find a free port for audit events: %w", last)
}
