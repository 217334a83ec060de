package drift

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/fault"
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
			result = NotCompared(key, fault.Panic("comparing it", p))
		}
	}()
	return s.object(key, desired, live)
}
