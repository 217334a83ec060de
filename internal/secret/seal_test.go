package secret

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
	"go.yaml.in/yaml/v3"
)

// sealer encrypts YAML for tests whose keys do not exist before. Files that
// the SOPS library itself made are in testdata.
type sealer struct {
	t   *testing.T
	key []byte
}

func newSealer(t *testing.T) *sealer {
	t.Helper()
	s := &sealer{t: t, key: make([]byte, 32)}
	if _, err := rand.Read(s.key); err != nil {
		t.Fatal(err)
	}
	return s
}

func newIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (s *sealer) value(value any, kind, where string) string {
	block, err := aes.NewCipher(s.key)
	if err != nil {
		s.t.Fatal(err)
	}
	iv := make([]byte, 32)
	if _, err := rand.Read(iv); err != nil {
		s.t.Fatal(err)
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, len(iv))
	if err != nil {
		s.t.Fatal(err)
	}
	out := gcm.Seal(nil, iv, macText(value), []byte(where))
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("ENC[AES256_GCM,data:%s,iv:%s,tag:%s,type:%s]", b64(out[:len(out)-16]), b64(iv), b64(out[len(out)-16:]), kind)
}

// secret is a Secret with one encrypted value.
func (s *sealer) secret(password string, to ...*age.X25519Identity) []byte {
	mac := sha512.New()
	for _, v := range []string{"v1", "Secret", "db", password} {
		mac.Write([]byte(v))
	}
	const modified = "2026-01-02T03:04:05Z"
	var ages []any
	for _, id := range to {
		var out bytes.Buffer
		a := armor.NewWriter(&out)
		w, err := age.Encrypt(a, id.Recipient())
		if err != nil {
			s.t.Fatal(err)
		}
		for _, step := range []func() error{func() error { _, err := w.Write(s.key); return err }, w.Close, a.Close} {
			if err := step(); err != nil {
				s.t.Fatal(err)
			}
		}
		ages = append(ages, map[string]any{"recipient": id.Recipient().String(), "enc": out.String()})
	}
	head := fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: %s\n", s.value(password, "str", "stringData:password:"))
	tail, err := yaml.Marshal(map[string]any{"sops": map[string]any{
		"age": ages, "lastmodified": modified, "encrypted_regex": "^stringData$", "version": "3.13.3",
		"mac": s.value(fmt.Sprintf("%X", mac.Sum(nil)), "str", modified),
	}})
	if err != nil {
		s.t.Fatal(err)
	}
	return append([]byte(head), tail...)
}

// keysOf is a bundle with identities.
func keysOf(name, project string, ids ...*age.X25519Identity) Bundle {
	var lines []string
	for _, id := range ids {
		lines = append(lines, id.String())
	}
	return Bundle{Name: name, Version: strings.Join(lines, ""), Project: project, Data: map[string][]byte{"a.agekey": []byte(strings.Join(lines, "\n"))}}
}

func with(bundles ...Bundle) *Decrypter {
	return New(Options{Keys: Fixed(bundles), Hint: "put a key there", Now: func() time.Time { return time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC) }})
}
