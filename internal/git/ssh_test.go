package git_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync/atomic"
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
	return r.serveSSHTelling(host, user, func(net.Conn) {})
}

// serveSSHTelling also tells of each connection.
func (r *repo) serveSSHTelling(host ssh.Signer, user ssh.PublicKey, tell func(net.Conn)) (addr string) {
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
			tell(conn)
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
			service := "upload-pack"
			if strings.Contains(string(req.Payload), "git-receive-pack") {
				service = "receive-pack"
			}
			_ = req.Reply(strings.Contains(string(req.Payload), "git-"+service), nil)
			cmd := exec.Command("git", service, r.dir)
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

// rotated gives one key, then another.
type rotated struct{ auth atomic.Pointer[git.Auth] }

func (r *rotated) For(context.Context, string) (git.Auth, error) { return *r.auth.Load(), nil }

func TestSSHConnectionsAreKept(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	r.commit("Start")
	host, _ := key(t)
	user, private := key(t)
	_, stranger := key(t)
	made := make(chan net.Conn, 10)
	addr := r.serveSSHTelling(host, user.PublicKey(), func(c net.Conn) { made <- c })
	keys := &rotated{}
	keys.auth.Store(&git.Auth{SSHPrivateKey: private, Insecure: true})
	m := mirrors(t, keys)
	url := "ssh://git@" + addr + r.dir

	tree(t, m, url, "main")
	for i := range 3 {
		r.write("a", fmt.Sprint("again ", i))
		want := r.commit("Go on")
		if !poll(t, m, url) || tree(t, m, url, "main").Commit.SHA != want {
			t.Fatal("the commit went unnoticed")
		}
	}
	if len(made) != 1 {
		t.Errorf("%d connections for conversations one after the other, want 1", len(made))
	}

	_ = (<-made).Close() // as a server does that restarts, or does not want to wait
	poll(t, m, url)
	if len(made) != 1 {
		t.Errorf("%d connections after the server closed the first, want a second one", len(made))
	}

	keys.auth.Store(&git.Auth{SSHPrivateKey: stranger, Insecure: true})
	if _, err := m.Poll(t.Context(), url); fault.Of(err) != fault.Denied {
		t.Errorf("with a key that the server does not know: %v; the connection of the old key must not serve it", err)
	}

	keys.auth.Store(&git.Auth{SSHPrivateKey: private, Insecure: true})
	poll(t, m, url)
	var last net.Conn
	for len(made) > 0 {
		last = <-made
	}
	m.Close()
	poll(t, m, url) // stays usable
	if len(made) != 1 || last == nil {
		t.Errorf("%d connections after Close, want a new one", len(made))
	}
}
