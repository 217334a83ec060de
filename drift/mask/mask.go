package mask

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/trueup-dev/trueup/drift/schema"
)

// Masker replaces secret values by marks. Equal values give equal marks, and
// among some thousand values no two others are likely to. Without the key a
// mark confirms no guess at the value.
type Masker struct {
	// Key keys the hash; marks made with one key can be compared.
	Key []byte
}

const shortMark = 8

// Pair masks both sides of a difference, and makes sure that what differs
// looks different.
func (m Masker) Pair(a, b any) (any, any) {
	return m.mask(a, b), m.mask(b, a)
}

func (m Masker) mask(v, other any) any {
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

func (m Masker) sum(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		data = nil
	}
	if s, ok := v.(string); ok {
		data = []byte(s)
		if decoded, ok := schema.DecodeBase64(s); ok {
			data = decoded
		}
	}
	h := hmac.New(sha256.New, m.Key)
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}
