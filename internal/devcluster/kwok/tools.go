//go:build tools

// Package kwok pins the version of KWOK, which plays the nodes and runs the
// pods. It is a module of its own: KWOK needs an older client-go than the
// control plane's programs.
//
// It does not know how it is built or started.
package kwok

import _ "sigs.k8s.io/kwok/cmd/kwok"
