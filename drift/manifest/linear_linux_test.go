package manifest

import (
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTimeIsLinear: 16 times the input may not take 256 times as long.
func TestTimeIsLinear(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	inputs := map[string]func(n int) string{
		"JSON values in a row": func(n int) string {
			return strings.Repeat(`{"apiVersion":"v1","kind":"A","metadata":{"name":"a"}}`+"\n", n)
		},
		"documents": func(n int) string { return strings.Repeat("---\n"+head, n/4) },
		"aliases": func(n int) string {
			return head + "data:\n  a: &a x\n  b: [" + strings.Repeat("*a,", n/2) + strings.Repeat("1,", n) + "]\n"
		},
	}
	for name, of := range inputs {
		took := func(n int) time.Duration {
			best := time.Hour
			for range 3 {
				start := used(t)
				if _, err := Parse(strings.NewReader(of(n)), "in"); err != nil {
					t.Fatal(name, err)
				}
				best = min(best, used(t)-start)
			}
			return best
		}
		small, large := took(500), took(8_000)
		if large > 80*small+20*time.Millisecond {
			t.Errorf("%s: %s, and %s for 16 times as much", name, small, large)
		}
	}
}

// used is the processor time of this thread, which others on the machine do not
// change as they do the time that passes.
func used(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_THREAD, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
