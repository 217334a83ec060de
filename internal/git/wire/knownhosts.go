package wire

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/trueup-dev/trueup/internal/fault"
)

// hostKeys makes a check of host keys, from the user's own files where no
// lines are given. The library reads files only, so lines pass through one.
func hostKeys(lines string) (ssh.HostKeyCallback, error) {
	if lines == "" {
		return usersHostKeys()
	}
	f, err := os.CreateTemp("", "known-hosts-*")
	if err != nil {
		return nil, fmt.Errorf("check SSH host keys: %w", err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // a leftover in the temporary folder harms nobody
	_, err = f.WriteString(lines + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("check SSH host keys: %w", err)
	}
	callback, err := knownhosts.New(f.Name())
	if err != nil {
		text := strings.TrimPrefix(err.Error(), "knownhosts: ")
		return nil, fault.New(fault.Invalid, "read the known SSH hosts: %s", strings.ReplaceAll(text, f.Name(), "line"))
	}
	return callback, nil
}

func usersHostKeys() (ssh.HostKeyCallback, error) {
	files := []string{"/etc/ssh/ssh_known_hosts"}
	if home, err := os.UserHomeDir(); err == nil {
		files = append(files, filepath.Join(home, ".ssh", "known_hosts"))
	}
	if named := os.Getenv("SSH_KNOWN_HOSTS"); named != "" {
		files = filepath.SplitList(named)
	}
	var there []string
	for _, name := range files {
		if _, err := os.Stat(name); err == nil {
			there = append(there, name)
		}
	}
	callback, err := knownhosts.New(there...)
	return callback, fault.Wrap(fault.Invalid, err)
}

// explained says what to do about a host key that is not known.
func explained(check ssh.HostKeyCallback) ssh.HostKeyCallback {
	return func(host string, remote net.Addr, key ssh.PublicKey) error {
		err := check(host, remote, key)
		var unknown *knownhosts.KeyError
		if !errors.As(err, &unknown) {
			return err
		}
		shown := key.Type() + " " + ssh.FingerprintSHA256(key)
		line := knownhosts.Line([]string{host}, key)
		if len(unknown.Want) == 0 {
			return fault.New(fault.Denied, "the SSH host %s is not known; it shows the key %s: compare that with what the host's owner publishes, "+
				"and then add this line to the known hosts: %s", host, shown, line)
		}
		return fault.New(fault.Denied, "the SSH host %s shows the key %s, but the known hosts have %s for it: somebody may be in between; "+
			"if the host's owner changed the key, replace the line by: %s", host, shown, ssh.FingerprintSHA256(unknown.Want[0].Key), line)
	}
}

// algorithms lists the kinds of key that are known of a host, so that it
// shows one of these and not another that it has as well. It is nil, which is
// all kinds, for a host that is not known.
func algorithms(check ssh.HostKeyCallback, addr string) []string {
	var known *knownhosts.KeyError
	if err := check(addr, noAddr{}, noKey{}); !errors.As(err, &known) {
		return nil
	}
	var all []string
	for _, k := range known.Want {
		kind := k.Key.Type()
		if kind == ssh.KeyAlgoRSA {
			all = append(all, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		}
		all = append(all, kind)
	}
	return all
}

type noAddr struct{}

func (noAddr) Network() string { return "tcp" }
func (noAddr) String() string  { return "0.0.0.0:0" }

// noKey is a key that nobody has.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return []byte("none") }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("not a key") }
