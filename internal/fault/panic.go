package fault

import (
	"fmt"
	"runtime"
	"strings"
)

// Panic words a recovered panic for people: what was attempted, what happened
// and where in the code, and nothing of the values that were at hand. It must
// be called by the deferred function that recovers.
func Panic(attempt string, p any) string {
	what := "a panic"
	if err, ok := p.(runtime.Error); ok {
		what = strings.TrimPrefix(err.Error(), "runtime error: ") // types and indexes, never values
	}
	return fmt.Sprintf("%s failed: %s, in %s; please report this", attempt, what, panicked())
}

// panicked is the function and the line that panicked.
func panicked() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	began := false
	for {
		f, more := frames.Next()
		if began && !strings.HasPrefix(f.Function, "runtime.") {
			return fmt.Sprintf("%s, line %d", f.Function[strings.LastIndexByte(f.Function, '/')+1:], f.Line)
		}
		began = began || f.Function == "runtime.gopanic"
		if !more {
			return "an unknown place"
		}
	}
}
