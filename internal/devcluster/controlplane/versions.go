package controlplane

import (
	"fmt"
	"runtime"
)

// The versions that the modules in components and kwok pin; a test holds them
// equal.
const (
	KubernetesVersion = "v1.37.2"
	EtcdVersion       = "v3.7.0"
	KwokVersion       = "v0.8.0"
)

// Names of the programs, and of the processes that run them.
const (
	etcd              = "etcd"
	apiserver         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
	scheduler         = "kube-scheduler"
	kwok              = "kwok"
)

// Components in the order in which they are started; they are stopped in the
// reverse order.
func Components() []string {
	return []string{etcd, apiserver, controllerManager, scheduler, kwok}
}

// cacheKey names the folder of a set of binaries.
func cacheKey() string {
	return fmt.Sprintf("%s-%s-k8s%s-etcd%s-kwok%s", runtime.GOOS, runtime.GOARCH,
		KubernetesVersion[1:], EtcdVersion[1:], KwokVersion[1:])
}
