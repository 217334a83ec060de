package controlplane

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
)

const kubeconfigFormat = `apiVersion: v1
kind: Config
clusters:
- name: %[1]s
  cluster:
    server: %[3]s
    certificate-authority-data: %[4]s
users:
- name: %[2]s
  user:
    client-certificate-data: %[5]s
    client-key-data: %[6]s
contexts:
- name: %[1]s
  context:
    cluster: %[1]s
    user: %[2]s
current-context: %[1]s
`

// kubeconfig renders the file with which a user reaches a cluster. It holds
// the keys themselves, so that it can be copied.
func kubeconfig(cluster, user, server string, ids identities) []byte {
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, kubeconfigFormat, cluster, cluster+"-"+user, server,
		b64(ids["ca"].cert), b64(ids[user].cert), b64(ids[user].key))
}

// writeKubeconfig replaces a kubeconfig in one step: whoever waits for the
// file to appear reads it whole.
func writeKubeconfig(path string, data []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".kubeconfig-") // mode 0600
	if err != nil {
		return fmt.Errorf("write a kubeconfig: %w", err)
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(data)
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write the kubeconfig %s: %w", path, err)
	}
	return nil
}
