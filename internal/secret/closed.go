package secret

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
)

// Closed implements render.Decrypter without any key: a mark stands for each
// encrypted value, which changes when its ciphertext does, and what SOPS keeps
// beside the values is left out. It is for comparing files that must stay
// closed: nothing is verified.
type Closed struct{}

var _ render.Decrypter = Closed{}

// Fingerprint implements render.Decrypter. No project has keys that give it.
func (Closed) Fingerprint(context.Context, string) (string, error) { return "closed", nil }

// Decrypt implements render.Decrypter.
func (Closed) Decrypt(_ context.Context, _, name string, data []byte) (render.Plain, error) {
	f := detect(name, data)
	if f == formatNone {
		return render.Plain{}, nil
	}
	marked, err := openWith(f, data, func(bs []branch, _ any) ([]branch, error) {
		out := make([]branch, len(bs))
		for i, b := range bs {
			out[i], _ = marks(b).(branch)
		}
		return out, nil
	})
	if err != nil {
		return render.Plain{}, fault.New(fault.Invalid, "read the encrypted file %s: %w", name, err)
	}
	return render.Plain{Encrypted: marked != nil, Data: marked}, nil
}

// marks puts marks in the place of encrypted values. Encrypted comments go.
func marks(value any) any {
	switch v := value.(type) {
	case branch:
		out := make(branch, 0, len(v))
		for _, it := range v {
			if _, note := it.key.(comment); !note {
				out = append(out, item{it.key, marks(it.value)})
			}
		}
		return out
	case list:
		out := make(list, 0, len(v))
		for _, e := range v {
			if _, note := e.(comment); !note {
				out = append(out, marks(e))
			}
		}
		return out
	case string:
		if strings.HasPrefix(v, "ENC[") {
			sum := sha256.Sum256([]byte(v))
			return fmt.Sprintf("encrypted-%s", hex.EncodeToString(sum[:6]))
		}
	}
	return value
}
