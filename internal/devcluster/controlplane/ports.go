package controlplane

import (
	"fmt"
	"net"
)

// freePorts returns n different loopback ports that were free a moment ago.
// Another program can still take one before it is used: the start of a cluster
// is then tried again with new ones.
func freePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close() // all stay open until the last is found, so that they differ
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
