package wire

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// overSSH is one conversation: a session on a connection that it has for
// itself.
type overSSH struct {
	remote  *Remote
	on      *sshConnection
	session *ssh.Session
	in      io.WriteCloser
	out     *pktReader
	said    firstWords
	stop    func() bool
}

// overSSH begins a conversation on the connection of the last one, if that
// still serves, or on a new one.
func (r *Remote) overSSH(ctx context.Context, auth Auth, w *watch, service string) (conversation, error) {
	if c := r.takeIdle(auth); c != nil {
		if s, err := r.session(ctx, c, w, service); err == nil {
			return s, nil
		}
	}
	c, err := dialSSH(ctx, r.at, auth)
	if err != nil {
		return nil, err
	}
	return r.session(ctx, c, w, service)
}

// session closes the connection where it fails.
func (r *Remote) session(ctx context.Context, c *sshConnection, w *watch, service string) (*overSSH, error) {
	s := &overSSH{remote: r, on: c, stop: context.AfterFunc(ctx, c.close)}
	if c.used {
		// The other side may have gone without a word.
		doubt := time.AfterFunc(reuseTime, c.close)
		defer doubt.Stop()
	}
	if err := s.start(r.at.Path, w, service); err != nil {
		s.stop()
		c.close()
		return nil, err
	}
	return s, nil
}

func (s *overSSH) start(path string, w *watch, service string) error {
	var err error
	if s.session, err = s.on.client.NewSession(); err != nil {
		return err
	}
	// A server that does not take the variable speaks the older protocol.
	if service == uploadPack {
		_ = s.session.Setenv("GIT_PROTOCOL", "version=2")
	}
	if s.in, err = s.session.StdinPipe(); err != nil {
		return err
	}
	out, err := s.session.StdoutPipe()
	if err != nil {
		return err
	}
	s.out, s.session.Stderr = newPktReader(w.over(out)), &s.said
	if strings.HasPrefix(path, "/~") {
		path = path[1:]
	}
	return s.session.Start(service + " '" + strings.ReplaceAll(path, "'", `'\''`) + "'")
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

// end keeps the connection for the next conversation, unless this one broke
// off.
func (s *overSSH) end(whole bool) {
	// Of a context that ended, the connection is closed already.
	whole = s.stop() && whole
	_ = s.session.Close() // the server may have closed it first
	if whole {
		s.remote.keepIdle(s.on)
	} else {
		s.on.close()
	}
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
