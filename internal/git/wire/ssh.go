package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"golang.org/x/crypto/ssh"

	"github.com/trueup-dev/trueup/internal/fault"
)

// overSSH is one conversation on a connection of its own.
type overSSH struct {
	client  *ssh.Client
	session *ssh.Session
	in      io.WriteCloser
	out     *pktReader
	said    firstWords
	stop    func() bool
}

func dialSSH(ctx context.Context, at *transport.Endpoint, auth Auth) (conversation, error) {
	port := at.Port
	if port == 0 {
		port = 22
	}
	addr := net.JoinHostPort(strings.Trim(at.Host, "[]"), strconv.Itoa(port))
	config, err := sshConfig(at, addr, auth)
	if err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &overSSH{stop: context.AfterFunc(ctx, func() { _ = conn.Close() })}
	c, channels, requests, err := ssh.NewClientConn(conn, addr, config)
	if err != nil {
		s.stop()
		_ = conn.Close()
		if fault.Of(err) == fault.Transient && strings.Contains(err.Error(), "unable to authenticate") {
			return nil, fault.New(fault.Denied, "the SSH server refuses the key for the user %s", config.User)
		}
		return nil, err
	}
	s.client = ssh.NewClient(c, channels, requests)
	if err := s.start(at.Path); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func sshConfig(at *transport.Endpoint, addr string, auth Auth) (*ssh.ClientConfig, error) {
	if auth.SSHPrivateKey == "" {
		return nil, fault.New(fault.Denied, "no SSH private key is configured for the repository")
	}
	config := &ssh.ClientConfig{User: at.User, Timeout: dialTimeout}
	if config.User == "" {
		config.User = "git"
	}
	signer, err := parseKey([]byte(auth.SSHPrivateKey), auth.Password)
	if err != nil {
		return nil, err
	}
	config.Auth = []ssh.AuthMethod{ssh.PublicKeys(signer)}
	if auth.Insecure {
		config.HostKeyCallback = ssh.InsecureIgnoreHostKey() //nolint:gosec // the user asked for it
		return config, nil
	}
	check, err := hostKeys(auth.KnownHosts)
	if err != nil {
		return nil, err
	}
	config.HostKeyCallback = explained(check)
	config.HostKeyAlgorithms = algorithms(check, addr)
	return config, nil
}

func parseKey(pem []byte, passphrase string) (ssh.Signer, error) {
	signer, err := ssh.ParsePrivateKey(pem)
	var encrypted *ssh.PassphraseMissingError
	if errors.As(err, &encrypted) && passphrase != "" {
		signer, err = ssh.ParsePrivateKeyWithPassphrase(pem, []byte(passphrase))
	}
	if err != nil {
		return nil, fault.Wrap(fault.Denied, fmt.Errorf("read the SSH private key: %w", err))
	}
	return signer, nil
}

func (s *overSSH) start(path string) error {
	var err error
	if s.session, err = s.client.NewSession(); err != nil {
		return err
	}
	// A server that does not take the variable speaks the older protocol.
	_ = s.session.Setenv("GIT_PROTOCOL", "version=2")
	if s.in, err = s.session.StdinPipe(); err != nil {
		return err
	}
	out, err := s.session.StdoutPipe()
	if err != nil {
		return err
	}
	s.out, s.session.Stderr = newPktReader(out), &s.said
	if strings.HasPrefix(path, "/~") {
		path = path[1:]
	}
	return s.session.Start("git-upload-pack '" + strings.ReplaceAll(path, "'", `'\''`) + "'")
}

func (s *overSSH) greet(context.Context) (*advert, error) {
	a, err := readAdvert(s.out)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		_ = s.session.Wait() // then all was said
		if text := s.said.String(); text != "" {
			return nil, serverError(text)
		}
	}
	return a, err
}

func (s *overSSH) ask(_ context.Context, request string) (io.ReadCloser, error) {
	if _, err := io.WriteString(s.in, request); err != nil {
		return nil, err
	}
	return io.NopCloser(s.out.from), nil
}

// Close implements io.Closer.
func (s *overSSH) Close() error {
	s.stop()
	return s.client.Close()
}

// firstWords keeps the beginning of what a server says beside its answer.
type firstWords struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (f *firstWords) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = append(f.text, p[:min(len(p), 500-len(f.text))]...)
	return len(p), nil
}

func (f *firstWords) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(f.text), "")), " ")
}
