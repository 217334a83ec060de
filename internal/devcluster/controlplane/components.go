package controlplane

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
)

//go:embed stages.yaml
var stages []byte

const (
	serviceCIDR = "10.96.0.0/16"
	serviceIP   = "10.96.0.1" // of the Service "kubernetes"
	podCIDR     = "10.244.0.0/16"
)

// layout says where things of one cluster are.
type layout struct{ dir string }

func (l layout) path(elem ...string) string {
	return filepath.Join(append([]string{l.dir}, elem...)...)
}
func (l layout) pki(file string) string { return l.path("pki", file) }
func (l layout) log(component string) string {
	return l.path("logs", component+".log")
}
func (l layout) kubeconfig(user string) string {
	if user == "admin" {
		return l.path("kubeconfig")
	}
	return l.path("pki", user+".kubeconfig")
}

// ports are the loopback ports of one cluster.
type ports struct{ etcd, etcdPeer, apiserver, controllerManager, scheduler int }

func newPorts() (ports, error) {
	p, err := freePorts(5)
	if err != nil {
		return ports{}, err
	}
	return ports{p[0], p[1], p[2], p[3], p[4]}, nil
}

func (p ports) of(component string) int {
	switch component {
	case etcd:
		return p.etcd
	case apiserver:
		return p.apiserver
	case controllerManager:
		return p.controllerManager
	case scheduler:
		return p.scheduler
	}
	return 0 // KWOK serves nothing
}

func url(port int) string { return fmt.Sprintf("https://127.0.0.1:%d", port) }

// arguments returns the flags of a component.
func arguments(component string, l layout, p ports) []string {
	switch component {
	case etcd:
		return etcdArguments(l, p)
	case apiserver:
		return apiserverArguments(l, p)
	case controllerManager:
		return controllerManagerArguments(l, p)
	case scheduler:
		return schedulerArguments(l, p)
	}
	return kwokArguments(l)
}

// etcd speaks TLS and asks for a certificate: on a shared machine, an open
// etcd would let every user around the API server's rules.
func etcdArguments(l layout, p ports) []string {
	return []string{
		"--name=devcluster",
		"--data-dir=" + l.path("etcd"),
		"--listen-client-urls=" + url(p.etcd),
		"--advertise-client-urls=" + url(p.etcd),
		"--listen-peer-urls=" + url(p.etcdPeer),
		"--initial-advertise-peer-urls=" + url(p.etcdPeer),
		"--initial-cluster=devcluster=" + url(p.etcdPeer),
		"--cert-file=" + l.pki("server.crt"), "--key-file=" + l.pki("server.key"),
		"--trusted-ca-file=" + l.pki("ca.crt"), "--client-cert-auth",
		"--peer-cert-file=" + l.pki("server.crt"), "--peer-key-file=" + l.pki("server.key"),
		"--peer-trusted-ca-file=" + l.pki("ca.crt"), "--peer-client-cert-auth",
		"--unsafe-no-fsync", // the data does not outlive the cluster
		"--log-level=warn",
	}
}

func apiserverArguments(l layout, p ports) []string {
	return []string{
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", p.apiserver),
		"--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none", // no pod connects to it, and a loopback address is no valid endpoint
		"--etcd-servers=" + url(p.etcd),
		"--etcd-cafile=" + l.pki("ca.crt"),
		"--etcd-certfile=" + l.pki("etcd-client.crt"), "--etcd-keyfile=" + l.pki("etcd-client.key"),
		"--tls-cert-file=" + l.pki("server.crt"), "--tls-private-key-file=" + l.pki("server.key"),
		"--client-ca-file=" + l.pki("ca.crt"),
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + l.pki("service-account.crt"),
		"--service-account-signing-key-file=" + l.pki("service-account.key"),
		"--service-cluster-ip-range=" + serviceCIDR,
		"--allow-privileged=true",
		"--profiling=false",
	}
}

func controllerManagerArguments(l layout, p ports) []string {
	return []string{
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", p.controllerManager),
		"--tls-cert-file=" + l.pki("server.crt"), "--tls-private-key-file=" + l.pki("server.key"),
		"--kubeconfig=" + l.kubeconfig(controllerManager),
		"--leader-elect=false",
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=" + l.pki("service-account.key"),
		"--root-ca-file=" + l.pki("ca.crt"),
		"--cluster-signing-cert-file=" + l.pki("ca.crt"), "--cluster-signing-key-file=" + l.pki("ca.key"),
		"--service-cluster-ip-range=" + serviceCIDR,
		"--node-monitor-period=1s",                   // how soon a new node is found ready, 5 s by default
		"--kube-api-qps=200", "--kube-api-burst=400", // its own limits make it wait 5 s at the start
		"--profiling=false",
	}
}

func schedulerArguments(l layout, p ports) []string {
	return []string{
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", p.scheduler),
		"--tls-cert-file=" + l.pki("server.crt"), "--tls-private-key-file=" + l.pki("server.key"),
		"--kubeconfig=" + l.kubeconfig(scheduler),
		"--leader-elect=false",
		"--profiling=false",
	}
}

func kwokArguments(l layout) []string {
	return []string{
		"--kubeconfig=" + l.kubeconfig(kwok),
		"--config=" + l.path("pki", "stages.yaml"),
		"--manage-all-nodes=true",
		"--node-ip=10.0.0.1",
		"--cidr=" + podCIDR,
		"--node-lease-duration-seconds=40",
	}
}

// environment keeps the caller's variables out (ETCD_NAME would win over a
// flag, and a proxy has no business between the components). KWOK reads a
// configuration below HOME.
func environment(l layout) []string {
	return []string{"HOME=" + l.dir, "TMPDIR=" + l.path("tmp"), "PATH=" + os.Getenv("PATH")}
}
