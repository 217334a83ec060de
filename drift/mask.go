package drift

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"

	"github.com/trueup-dev/trueup/drift/schema"
)

// masker replaces secret values by marks. Equal values give equal marks. A
// mark is short on purpose: it tells values apart, and a guess at the value
// cannot be confirmed by it.
type masker struct{ key []byte }

const shortMark = 4

// pair masks both sides of a difference, and makes sure that what differs
// looks different.
func (m masker) pair(a, b any) (any, any) {
	return m.mask(a, b), m.mask(b, a)
}

func (m masker) mask(v, other any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case map[string]any:
		others, _ := other.(map[string]any)
		out := make(map[string]any, len(v))
		for name, value := range v {
			out[name] = m.mask(value, others[name])
		}
		return out
	default:
		sum, size := m.sum(v), shortMark
		if other != nil {
			// Two values whose marks begin alike need more digits.
			for o := m.sum(other); size < len(sum) && sum != o && sum[:size] == o[:size]; {
				size++
			}
		}
		return "<secret #" + sum[:size] + ">"
	}
}

func (m masker) sum(v any) string {
	data := []byte(compact(v))
	if s, ok := v.(string); ok {
		data = []byte(s)
		if decoded, ok := schema.DecodeBase64(s); ok {
			data = decoded
		}
	}
	h := hmac.New(sha256.New, m.key)
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}

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
