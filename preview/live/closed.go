package live

import (
	"encoding/base64"
	"regexp"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// mark is what stands for an encrypted value where there is no key.
var mark = regexp.MustCompile(`\bencrypted-[0-9a-f]{12}\b`)

// hasMarks tells whether an object has marks in place of values, as they are or
// in base64: nothing that a cluster says of it would be so of the object itself.
func hasMarks(u *unstructured.Unstructured) bool {
	var marked func(any) bool
	marked = func(value any) bool {
		switch v := value.(type) {
		case map[string]any:
			for _, one := range v {
				if marked(one) {
					return true
				}
			}
		case []any:
			for _, one := range v {
				if marked(one) {
					return true
				}
			}
		case string:
			if mark.MatchString(v) {
				return true
			}
			plain, err := base64.StdEncoding.DecodeString(v)
			return err == nil && mark.Match(plain)
		}
		return false
	}
	return marked(u.Object)
}
