package controlplane

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// born names the moment at which a process started: the boot, and the clock
// tick since then. A process that ended is not reported, even if nobody has
// collected it yet.
func born(pid int) (string, bool) {
	fields, ok := stat(pid)
	if !ok || fields[0] == "Z" || fields[0] == "X" {
		return "", false
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", false
	}
	return strings.TrimSpace(string(boot)) + "/" + fields[19], true
}

// resident returns the memory that a process occupies, in bytes.
func resident(pid int) int64 {
	fields, ok := stat(pid)
	if !ok {
		return 0
	}
	pages, err := strconv.ParseInt(fields[21], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// stat returns the fields of /proc/PID/stat from the third on (proc_pid_stat(5)):
// the second is a name that may hold anything, up to the last parenthesis.
func stat(pid int) ([]string, bool) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, false
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	return fields, len(fields) >= 22
}
