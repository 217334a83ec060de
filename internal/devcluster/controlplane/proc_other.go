//go:build unix && !linux

package controlplane

import (
	"os/exec"
	"strconv"
	"strings"
)

// born names the moment at which a process started. A process that ended is
// not reported, even if nobody has collected it yet.
func born(pid int) (string, bool) {
	state, ok := ps(pid, "state")
	if !ok || strings.HasPrefix(state, "Z") {
		return "", false
	}
	return ps(pid, "lstart")
}

// resident returns the memory that a process occupies, in bytes.
func resident(pid int) int64 {
	text, _ := ps(pid, "rss")
	kilobytes, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}

func ps(pid int, column string) (string, bool) {
	out, err := exec.Command("ps", "-o", column+"=", "-p", strconv.Itoa(pid)).Output()
	text := strings.TrimSpace(string(out))
	return text, err == nil && text != ""
}
