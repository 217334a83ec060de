// Package controlplane builds and runs a real Kubernetes control plane on this
// machine, for trying things out and for tests: etcd, kube-apiserver,
// kube-controller-manager and kube-scheduler, and KWOK, which plays the nodes
// and runs the pods. Each cluster lives in a folder of its own:
//
//	DIR/<name>/kubeconfig   the administrator's, readable by its owner only
//	DIR/<name>/audit.json   where it tells of requests, if it is to
//	DIR/<name>/pids         which processes were started, as JSON
//	DIR/<name>/logs/*.log   one file per component, kept after a stop
//	DIR/<name>/pki, etcd    keys and data, made anew by each start
//
// A cluster forgets everything when it is started again.
//
// It does not know trueup: it speaks to its clusters over plain HTTPS, and the
// main module starts it as a process.
package controlplane
