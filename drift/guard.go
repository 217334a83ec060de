package drift

import (
	"fmt"
	"runtime"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/object"
)

// NotCompared is the verdict on an object that could not be compared.
func NotCompared(key object.Key, reason string) Object {
	o := newObject(key, Unknown)
	o.Reason = reason
	return o
}

// guarded compares one object. What breaks on it leaves the others' verdicts
// alone.
func (s *settings) guarded(key object.Key, desired, live *unstructured.Unstructured) (result Object) {
	defer func() {
		if p := recover(); p != nil {
			result = NotCompared(key, Broke(p))
		}
	}()
	return s.object(key, desired, live)
}

// Broke words a recovered panic for people: what happened and where in the
// code, and nothing of the values of objects. It must be called by the
// function that recovers.
func Broke(p any) string {
	what := "a panic"
	if err, ok := p.(runtime.Error); ok {
		what = err.Error() // types and indexes, never values
	}
	return fmt.Sprintf("comparing it failed: %s, in %s; please report this", what, panicked())
}

// panicked is the function and the line that panicked.
func panicked() string {
	frames := runtime.CallersFrames(callers())
	began := false
	for {
		f, more := frames.Next()
		internal := strings.HasPrefix(f.Function, "runtime.")
		if began && !internal {
			return fmt.Sprintf("%s, line %d", f.Function[strings.LastIndexByte(f.Function, '/')+1:], f.Line)
		}
		began = began || f.Function == "runtime.gopanic"
		if !more {
			return "an unknown place"
		}
	}
}

func callers() []uintptr {
	pcs := make([]uintptr, 64)
	return pcs[:runtime.Callers(0, pcs)]
}
