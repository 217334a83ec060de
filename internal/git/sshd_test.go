package git_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

const sshdPath = "/usr/sbin/sshd"

// sshd starts OpenSSH's server with keys of its own. It writes what git says
// and hears to a file. It ends with the test.
func sshd(t *testing.T, hostKey string, owner ssh.PublicKey, more string) (addr, trace string) {
	t.Helper()
	if _, err := os.Stat(sshdPath); err != nil {
		t.Fatalf("%s is not there: `make test` installs it (Debian package openssh-server)", sshdPath)
	}
	if os.Geteuid() == 0 { // sshd wants it, and a service manager would make it
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	trace = filepath.Join(dir, "trace")
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(addr)
	write("host", hostKey)
	write("authorized", string(ssh.MarshalAuthorizedKey(owner)))
	write("config", strings.Join([]string{
		"Port " + port, "ListenAddress 127.0.0.1", "HostKey " + dir + "/host", "AuthorizedKeysFile " + dir + "/authorized",
		"StrictModes no", "UsePAM no", "PasswordAuthentication no", "PermitRootLogin prohibit-password", "PidFile none",
		"SetEnv GIT_TRACE_PACKET=" + trace, more, "",
	}, "\n"))
	cmd := exec.Command(sshdPath, "-D", "-e", "-f", filepath.Join(dir, "config"))
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var failure error
	ended := make(chan struct{})
	go func() {
		failure = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("sshd said: %s", said.String())
		}
	})
	limit := time.After(30 * time.Second)
	for again := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case <-ended:
			t.Fatalf("sshd ended: %v: %s", failure, said.String())
		case <-limit:
			t.Fatal("sshd does not listen")
		case <-again.C:
		}
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			again.Stop()
			return addr, trace
		}
	}
}

func TestOpenSSH(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	r.commit("Start")
	r.manyRefs(200)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	host, hostPrivate := key(t)
	owner, private := key(t)
	for _, tc := range []struct {
		reason, config string
		second         bool
	}{
		{"a server that passes the protocol's version on", "AcceptEnv GIT_PROTOCOL", true},
		{"a server that takes no variables", "", false},
	} {
		addr, trace := sshd(t, hostPrivate, owner.PublicKey(), tc.config)
		known := knownhosts.Line([]string{addr}, host.PublicKey())
		url := fmt.Sprintf("ssh://%s@%s%s", me.Username, addr, r.dir)
		dir := t.TempDir()
		m := git.New(git.Options{Dir: dir, Credentials: auth(git.Auth{SSHPrivateKey: private, KnownHosts: known})})
		t.Cleanup(m.Close)
		tree(t, m, url, "main")
		r.write("a", fmt.Sprint(tc.second))
		want := r.commit("Go on")
		if !poll(t, m, url) {
			t.Errorf("%s: the commit went unnoticed", tc.reason)
		}
		if got := tree(t, m, url, "main"); got.Commit.SHA != want || read(t, got, "a") != fmt.Sprint(tc.second) {
			t.Errorf("%s: got %+v", tc.reason, got.Commit)
		}
		fsck(t, dir)
		said, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(said), "ref-prefix refs/heads/main"); got != tc.second {
			t.Errorf("%s: version 2 was spoken: %v", tc.reason, got)
		}
		if got := strings.Contains(string(said), "refs/heads/topic/000007"); got == tc.second {
			t.Errorf("%s: all refs were listed: %v", tc.reason, got)
		}
		_, err = m.Tree(t.Context(), snapshot.Location{RepoURL: url + "-gone", Revision: "main"})
		if fault.Of(err) != fault.Missing || !strings.Contains(err.Error(), "does not appear to be a git repository") {
			t.Errorf("%s: a repository that is not there: %v (%s)", tc.reason, err, fault.Of(err))
		}
	}
}

func TestUnknownSSHHost(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	r.commit("Start")
	host, _ := key(t)
	other, _ := key(t)
	owner, private := key(t)
	addr := r.serveSSH(host, owner.PublicKey())
	line := knownhosts.Line([]string{addr}, host.PublicKey())
	for _, tc := range []struct{ reason, known, says string }{
		{"a host that nobody knows", "git.example.com " + strings.SplitN(line, " ", 2)[1], "is not known; it shows the key"},
		{"a host that shows another key", knownhosts.Line([]string{addr}, other.PublicKey()), ssh.FingerprintSHA256(other.PublicKey())},
	} {
		_, err := mirrors(t, auth(git.Auth{SSHPrivateKey: private, KnownHosts: tc.known})).Tree(t.Context(), snapshot.Location{RepoURL: "ssh://git@" + addr + r.dir, Revision: "main"})
		if fault.Of(err) != fault.Denied {
			t.Errorf("%s: got %v (%s)", tc.reason, err, fault.Of(err))
			continue
		}
		for _, says := range []string{addr, tc.says, ssh.FingerprintSHA256(host.PublicKey()), line} {
			if !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %q is not in %v", tc.reason, says, err)
			}
		}
	}
}

// TestKindsOfHostKeys has a host with two keys, of which one is known.
func TestKindsOfHostKeys(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	r.commit("Start")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	_, hostPrivate := key(t)
	owner, private := key(t)
	rsaFile := filepath.Join(t.TempDir(), "rsa")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", rsaFile).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	public, err := os.ReadFile(rsaFile + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	addr, _ := sshd(t, hostPrivate, owner.PublicKey(), "HostKey "+rsaFile)
	known := knownhosts.Normalize(addr) + " " + string(public)
	m := mirrors(t, auth(git.Auth{SSHPrivateKey: private, KnownHosts: known}))
	tree(t, m, fmt.Sprintf("ssh://%s@%s%s", me.Username, addr, r.dir), "main")
}
