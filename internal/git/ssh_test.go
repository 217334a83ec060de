package git_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"net"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// key makes a key pair: the private one as OpenSSH writes it.
func key(t *testing.T) (ssh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	return signer, string(pem.EncodeToMemory(block))
}

// serveSSH serves the repository over SSH to the owner of one key.
func (r *repo) serveSSH(host ssh.Signer, user ssh.PublicKey) (addr string) {
	r.t.Helper()
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(user.Marshal()) {
			return nil, errors.New("unknown key")
		}
		return nil, nil
	}}
	config.AddHostKey(host)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			go r.session(conn, config)
		}
	}()
	return listener.Addr().String()
}

func (r *repo) session(conn net.Conn, config *ssh.ServerConfig) {
	defer func() { _ = conn.Close() }()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		for req := range requests {
			if req.Type != "exec" {
				_ = req.Reply(false, nil)
				continue
			}
			_ = req.Reply(strings.Contains(string(req.Payload), "git-upload-pack"), nil)
			cmd := exec.Command("git", "upload-pack", r.dir)
			cmd.Stdin, cmd.Stdout = channel, channel
			status := []byte{0, 0, 0, 0}
			if cmd.Run() != nil {
				status[3] = 1
			}
			_, _ = channel.SendRequest("exit-status", false, status)
			_ = channel.Close()
		}
	}
}

type auth git.Auth

func (a auth) For(context.Context, string) (git.Auth, error) { return git.Auth(a), nil }

func TestSSH(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	r.commit("Start")
	host, _ := key(t)
	user, private := key(t)
	_, stranger := key(t)
	otherHost, _ := key(t)
	addr := r.serveSSH(host, user.PublicKey())
	known := knownhosts.Line([]string{addr}, host.PublicKey())
	wrong := knownhosts.Line([]string{addr}, otherHost.PublicKey())

	for _, tc := range []struct {
		reason string
		auth   git.Auth
		kind   fault.Kind // empty: it works
	}{
		{"the right key and a known host", git.Auth{SSHPrivateKey: private, KnownHosts: known}, ""},
		{"the right key and no check of the host", git.Auth{SSHPrivateKey: private, Insecure: true}, ""},
		{"a host that shows another key", git.Auth{SSHPrivateKey: private, KnownHosts: wrong}, fault.Denied},
		{"a key that the server does not know", git.Auth{SSHPrivateKey: stranger, KnownHosts: known}, fault.Denied},
		{"something that is no key", git.Auth{SSHPrivateKey: "nonsense", KnownHosts: known}, fault.Denied},
	} {
		tree, err := mirrors(t, auth(tc.auth)).Tree(t.Context(), snapshot.Location{RepoURL: "ssh://git@" + addr + r.dir, Revision: "main"})
		switch {
		case tc.kind == "" && err != nil:
			t.Errorf("%s: %v", tc.reason, err)
		case tc.kind == "":
			if got := read(t, tree, "a"); got != "1" {
				t.Errorf("%s: a holds %q", tc.reason, got)
			}
		case fault.Of(err) != tc.kind:
			t.Errorf("%s: got %v (%s), want %s", tc.reason, err, fault.Of(err), tc.kind)
		}
	}
}
