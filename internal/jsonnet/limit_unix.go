//go:build unix

package jsonnet

import (
	"os"
	"syscall"
)

// limit bounds the memory that this process may write to. What the program
// itself has is small beside it.
func limit(memory int64) error {
	// Where the machine itself runs out, Linux ends this process first.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	size := uint64(memory) //nolint:gosec // a positive constant
	return syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: size, Max: size})
}
