package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"golang.org/x/crypto/ssh"

	"github.com/trueup-dev/trueup/internal/fault"
)

// A connection over SSH is kept for the next conversation, as those over HTTP
// are.
const (
	idleTime = 5 * time.Minute
	// connectionAge bounds how long a server that took a key once is believed
	// to take it still.
	connectionAge = 15 * time.Minute
	// reuseTime is how long a kept connection may take to begin a
	// conversation, before a new one is made.
	reuseTime = 5 * time.Second
)

// sshConnection is one to which a server let us in.
type sshConnection struct {
	client *ssh.Client
	raw    net.Conn
	by     sshAccess
	since  time.Time
	used   bool
	idle   timer
}

// sshAccess is the part of Auth that connections are made by.
type sshAccess struct {
	key, passphrase, known string
	insecure               bool
}

func accessOf(a Auth) sshAccess {
	return sshAccess{a.SSHPrivateKey, a.Password, a.KnownHosts, a.Insecure}
}

func (c *sshConnection) close() {
	if c == nil {
		return
	}
	if c.idle != nil {
		c.idle.Stop()
	}
	_ = c.raw.Close()
	_ = c.client.Close()
}

// takeIdle gives the connection that waits, where the same credentials made
// it, to one conversation.
func (r *Remote) takeIdle(a Auth) *sshConnection {
	r.mu.Lock()
	c := r.idle
	r.idle = nil
	r.mu.Unlock()
	if c == nil {
		return nil
	}
	if c.by != accessOf(a) || time.Since(c.since) > connectionAge {
		c.close()
		return nil
	}
	c.idle.Stop()
	c.used = true
	return c
}

// keepIdle keeps a connection for the next conversation; where one waits
// already, this one is closed.
func (r *Remote) keepIdle(c *sshConnection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.idle != nil {
		c.close()
		return
	}
	r.idle = c
	c.idle = r.after(idleTime, func() {
		r.mu.Lock()
		mine := r.idle == c
		if mine {
			r.idle = nil
		}
		r.mu.Unlock()
		if mine {
			c.close()
		}
	})
}

func dialSSH(ctx context.Context, at *transport.Endpoint, auth Auth) (*sshConnection, error) {
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
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	c, channels, requests, err := ssh.NewClientConn(conn, addr, config)
	if err != nil {
		_ = conn.Close()
		if fault.Of(err) == fault.Transient && strings.Contains(err.Error(), "unable to authenticate") {
			return nil, fault.New(fault.Denied, "the SSH server refuses the key for the user %s", config.User)
		}
		return nil, err
	}
	return &sshConnection{client: ssh.NewClient(c, channels, requests), raw: conn, by: accessOf(auth), since: time.Now()}, nil
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
