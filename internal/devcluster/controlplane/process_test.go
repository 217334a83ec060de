package controlplane

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// shell starts a script that says "ready" when it is.
func shell(t *testing.T, script string) *process {
	t.Helper()
	log := filepath.Join(t.TempDir(), "sh.log")
	p, err := spawn("/bin/sh", []string{"-c", script}, []string{"PATH=" + os.Getenv("PATH")}, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(context.Background(), 0); err != nil {
			t.Error(err)
		}
	})
	deadline := time.After(time.Minute)
	for {
		if data, _ := os.ReadFile(log); strings.Contains(string(data), "ready") {
			return p
		}
		select {
		case <-deadline:
			t.Fatal("the script did not say ready; " + lastLines(log))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestStopEndsAProcess(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script string
		grace  time.Duration
		killed bool
	}{
		"a process that obeys ends by SIGTERM":           {"echo ready; exec sleep 600", time.Minute, false},
		"a process that ignores SIGTERM ends by SIGKILL": {"trap '' TERM; echo ready; while :; do sleep 0.1; done", 50 * time.Millisecond, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := shell(t, test.script)
			if !p.alive() {
				t.Fatal("not alive after its start")
			}
			if err := p.stop(context.Background(), test.grace); err != nil {
				t.Fatal(err)
			}
			if p.alive() {
				t.Error("still alive")
			}
			<-p.done
			if killed := strings.Contains(p.err.Error(), "killed"); killed != test.killed {
				t.Errorf("ended by %v", p.err)
			}
		})
	}
}

func TestAnotherProcessWithTheSamePIDIsLeftAlone(t *testing.T) {
	t.Parallel()
	p := shell(t, "echo ready; exec sleep 600")
	stale := p.record
	stale.Born = "another boot/1"
	if stale.alive() {
		t.Error("a process that started at another time passes for ours")
	}
	if err := stale.stop(context.Background(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if !p.alive() {
		t.Error("stopped the process of another")
	}
}

func TestEarlyEndIsToldWithTheLog(t *testing.T) {
	t.Parallel()
	p := shell(t, "echo ready; echo first; echo 'the reason' >&2; exit 3")
	<-p.done
	got := p.ended().Error()
	for _, want := range []string{"sh ended", "exit status 3", p.log, "    the reason"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not mention %q", got, want)
		}
	}
}

func TestTailKeepsTheLastLinesReadable(t *testing.T) {
	t.Parallel()
	got := tail([]byte("a\nb\n"+strings.Repeat("x", 600)+"\n"), 2)
	if want := "    b\n    " + strings.Repeat("x", 500) + " ..."; got != want {
		t.Errorf("got %q", got)
	}
}

func TestResidentMemoryIsRead(t *testing.T) {
	t.Parallel()
	if r := resident(os.Getpid()); r < 1<<20 || r > 1<<40 {
		t.Errorf("this test occupies %d bytes", r)
	}
}
