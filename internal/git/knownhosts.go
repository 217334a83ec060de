package git

import (
	"fmt"
	"os"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/trueup-dev/trueup/internal/fault"
)

// hostKeys makes a check of host keys. The library reads files only, so the
// lines pass through one.
func hostKeys(lines string) (gossh.HostKeyCallback, error) {
	f, err := os.CreateTemp("", "known-hosts-*")
	if err != nil {
		return nil, fmt.Errorf("check SSH host keys: %w", err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // a leftover in the temporary folder harms nobody
	if _, err := f.WriteString(lines + "\n"); err != nil {
		return nil, fmt.Errorf("check SSH host keys: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("check SSH host keys: %w", err)
	}
	callback, err := knownhosts.New(f.Name())
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("read the known SSH hosts: %w", err))
	}
	return callback, nil
}
