package drift

import (
	"encoding/base64"
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/object"
)

// encodeSecret writes stringData as the data that the server stores; it wins
// over data of the same name.
func encodeSecret(secret map[string]any) map[string]any {
	plain, ok := secret["stringData"].(map[string]any)
	if !ok {
		return secret
	}
	data := map[string]any{}
	if encoded, ok := secret["data"].(map[string]any); ok {
		maps.Copy(data, encoded)
	}
	for name, value := range plain {
		if s, ok := value.(string); ok {
			value = base64.StdEncoding.EncodeToString([]byte(s))
		}
		data[name] = value
	}
	out := maps.Clone(secret)
	delete(out, "stringData")
	out["data"] = data
	return out
}

// AsStored is an object as the server stores it: the stringData of a Secret is
// data. It shares memory with the object.
func AsStored(u *unstructured.Unstructured) map[string]any {
	if object.KeyOf(u).IsSecret() {
		return encodeSecret(u.Object)
	}
	return u.Object
}
