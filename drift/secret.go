package drift

import (
	"encoding/base64"
	"maps"
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
