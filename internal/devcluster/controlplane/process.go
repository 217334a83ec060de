package controlplane

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// record tells of a started process, well enough to find it again and never to
// take another for it.
type record struct {
	Component string `json:"component"`
	PID       int    `json:"pid"`
	Born      string `json:"born"` // see born: differs when the system gave the PID to another
	Port      int    `json:"port,omitempty"`
}

// alive reports whether the recorded process still runs.
func (r record) alive() bool {
	b, ok := born(r.PID)
	return ok && b == r.Born
}

// process is a component that this program started.
type process struct {
	record
	log  string
	done chan struct{} // closed when it ended
	err  error         // why, once done is closed
}

// spawn starts a program in a session of its own, so that it outlives us and
// no Ctrl-C reaches it.
func spawn(binary string, args, env []string, logFile string) (*process, error) {
	name := filepath.Base(binary)
	out, err := os.Create(logFile)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer out.Close()
	cmd := exec.Command(binary, args...)
	cmd.Env = env
	cmd.Dir = filepath.Dir(logFile)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{
		record: record{Component: name, PID: cmd.Process.Pid},
		log:    logFile, done: make(chan struct{}),
	}
	// Until somebody waits for it, the process stays in the table even when it
	// has ended, so that its birth can still be read.
	p.Born, _ = born(p.PID)
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// ended describes the death of a process with the last words of its log.
func (p *process) ended() error {
	cause := "it exited"
	if p.err != nil {
		cause = p.err.Error()
	}
	return fmt.Errorf("%s ended: %s; %s", p.Component, cause, lastLines(p.log))
}

// stop ends a recorded process: SIGTERM, and SIGKILL when it takes too long.
func (r record) stop(ctx context.Context, grace time.Duration) error {
	if !r.alive() {
		return nil
	}
	if err := syscall.Kill(r.PID, syscall.SIGTERM); err != nil && err != syscall.ESRCH {
		return fmt.Errorf("stop %s (pid %d): %w", r.Component, r.PID, err)
	}
	patience, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if r.gone(patience) {
		return nil
	}
	if err := syscall.Kill(r.PID, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
		return fmt.Errorf("kill %s (pid %d): %w", r.Component, r.PID, err)
	}
	last, cancelLast := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancelLast()
	if !r.gone(last) {
		return fmt.Errorf("kill %s (pid %d): it still runs", r.Component, r.PID)
	}
	return nil
}

// gone waits for the end of a process.
func (r record) gone(ctx context.Context) bool {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for r.alive() {
		select {
		case <-ctx.Done():
			return !r.alive()
		case <-ticker.C:
		}
	}
	return true
}

// lastLines quotes the end of a log for an error message.
func lastLines(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return "its log cannot be read: " + err.Error()
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return "it logged nothing to " + path
	}
	return fmt.Sprintf("the last lines of %s:\n%s", path, tail(data, 15))
}

// tail returns the last n lines, each indented and cut to a readable length.
func tail(data []byte, n int) string {
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	lines = lines[max(0, len(lines)-n):]
	for i, line := range lines {
		if len(line) > 500 {
			line = line[:500] + " ..."
		}
		lines[i] = "    " + line
	}
	return strings.Join(lines, "\n")
}
