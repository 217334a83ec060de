package wire

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/trueup-dev/trueup/internal/fault"
)

// clock is a timer that a test lets expire.
type clock struct {
	set    time.Duration
	expire func()
	resets chan time.Duration
}

func (c *clock) after(d time.Duration, f func()) timer {
	c.set, c.expire = d, f
	return c
}

// Reset implements timer.
func (c *clock) Reset(d time.Duration) bool {
	c.resets <- d
	return true
}

// Stop implements timer.
func (c *clock) Stop() bool { return true }

// TestAServerThatStalls: two minutes of silence end a conversation, at any
// point of it, and every byte begins them anew.
func TestAServerThatStalls(t *testing.T) {
	t.Parallel()
	const greeting = "001e# service=git-upload-pack\n0000000eversion 2\n0015agent=git/2.47.0\n0000"
	for _, tc := range []struct {
		reason string
		said   string // after the greeting, before it falls silent
		mute   bool   // not even a greeting
	}{
		{"a server that accepts and says nothing", "", true},
		{"one that greets and does not answer", "", false},
		{"one that stops in the middle of a line", "00", false},
		{"one that stops in the middle of a pack", "000dpackfile\n0009\x01PACK", false},
	} {
		heard := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			_, _ = io.Copy(io.Discard, req.Body)
			if req.Method == http.MethodGet && !tc.mute {
				w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
				_, _ = io.WriteString(w, greeting)
				return
			}
			if tc.said != "" {
				_, _ = io.WriteString(w, tc.said)
				_ = http.NewResponseController(w).Flush()
			}
			close(heard)
			<-req.Context().Done()
		}))
		at, err := transport.NewEndpoint(server.URL + "/config.git")
		if err != nil {
			t.Fatal(err)
		}
		now := &clock{resets: make(chan time.Duration, 100)}
		r := New(at, NewTokens(time.Now))
		r.after = now.after
		failed := make(chan error, 1)
		go func() {
			failed <- r.Fetch(t.Context(), Auth{}, Wanted{Want: plumbing.NewHash("1")}, func(pack io.Reader) error {
				_, err := io.Copy(io.Discard, pack)
				return err
			})
		}()
		<-heard
		if tc.said != "" {
			for range 2 { // the greeting, and what followed
				if d := <-now.resets; d != 2*time.Minute {
					t.Errorf("%s: the limit became %s", tc.reason, d)
				}
			}
		}
		select {
		case err := <-failed:
			t.Errorf("%s: it ended before the limit: %v", tc.reason, err)
		default:
		}
		if now.set != 2*time.Minute {
			t.Errorf("%s: the limit is %s", tc.reason, now.set)
		}
		now.expire()
		if err := <-failed; !errors.Is(err, errStalled) || !errors.Is(err, context.DeadlineExceeded) || fault.Of(err) != fault.Transient {
			t.Errorf("%s: %v (%s)", tc.reason, err, fault.Of(err))
		}
		r.Close()
		server.Close()
	}
}
