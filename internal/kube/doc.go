// Package kube reaches Kubernetes clusters: reads, server-side apply, watches
// of metadata, discovery, and the destinations that secrets register.
//
// It does not know applications beyond the name in a tracking id, nor what
// was desired.
package kube
