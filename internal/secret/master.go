package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/ProtonMail/go-crypto/openpgp"
	pgparmor "github.com/ProtonMail/go-crypto/openpgp/armor"

	"github.com/trueup-dev/trueup/internal/fault"
)

// master is a key that opens a data key.
type master interface {
	// String is how people know the key. It is no secret.
	String() string
	// open returns errNoKey where the ring holds nothing for the key.
	open(ctx context.Context, r *ring) ([]byte, error)
}

var (
	errNoKey      = errors.New("no key")
	errBadDataKey = fault.New(fault.Invalid, "the encrypted data key is damaged")
)

// maxDataKey bounds what is read of a data key: it has 32 bytes, or 33 as a
// part of a shared one.
const maxDataKey = 4096

type ageKey struct {
	Recipient string `json:"recipient"`
	Enc       string `json:"enc"`
}

func (k ageKey) String() string { return k.Recipient }

func (k ageKey) open(_ context.Context, r *ring) ([]byte, error) {
	if len(r.age) == 0 {
		return nil, errNoKey
	}
	plain, err := age.Decrypt(armor.NewReader(strings.NewReader(k.Enc)), r.age...)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return nil, errNoKey
	}
	if err != nil {
		return nil, errBadDataKey
	}
	return readDataKey(plain)
}

type pgpKey struct {
	Fingerprint string `json:"fp"`
	Enc         string `json:"enc"`
}

func (k pgpKey) String() string { return "PGP " + k.Fingerprint }

func (k pgpKey) open(_ context.Context, r *ring) ([]byte, error) {
	if len(r.pgp) == 0 {
		return nil, errNoKey
	}
	block, err := pgparmor.Decode(strings.NewReader(k.Enc))
	if err != nil {
		return nil, errBadDataKey
	}
	message, err := openpgp.ReadMessage(block.Body, r.pgp, nil, nil)
	if err != nil {
		return nil, errNoKey // the library does not tell a wrong key from a damaged message
	}
	return readDataKey(message.UnverifiedBody)
}

func readDataKey(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxDataKey))
	if err != nil {
		return nil, errBadDataKey
	}
	return data, nil
}

type huaweiKey struct {
	KeyID string `json:"key_id"`
}

func (k huaweiKey) String() string { return "Huawei Cloud KMS " + k.KeyID }

func (k huaweiKey) open(context.Context, *ring) ([]byte, error) { return nil, errNoKey }

// openDataKey opens the data key, with as many of its parts as are needed.
func openDataKey(ctx context.Context, m metadata, r *ring) ([]byte, error) {
	groups := m.groups()
	need := 1
	if len(groups) > 1 {
		need = max(m.ShamirThreshold.value, 1)
		if m.ShamirThreshold.value == 0 {
			need = len(groups)
		}
	}
	var parts [][]byte
	var failures []error
	for _, g := range groups {
		part, err := openGroup(ctx, g, r)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		if parts = append(parts, part); len(parts) == need {
			break
		}
	}
	if len(parts) < need {
		if err := serious(failures); err != nil {
			return nil, err
		}
		return nil, errNoKey
	}
	if len(groups) == 1 {
		return parts[0], nil
	}
	return combine(parts)
}

// serious joins the failures that are more than the want of a key.
func serious(failures []error) error {
	var out []error
	for _, err := range failures {
		if !errors.Is(err, errNoKey) {
			out = append(out, err)
		}
	}
	return errors.Join(out...)
}

func openGroup(ctx context.Context, g keyGroup, r *ring) ([]byte, error) {
	var failures []error
	for _, k := range g.masters() {
		key, err := k.open(ctx, r)
		if err == nil {
			return key, nil
		}
		failures = append(failures, wrapMaster(k, err))
	}
	if err := serious(failures); err != nil {
		return nil, err
	}
	return nil, errNoKey
}

func wrapMaster(k master, err error) error {
	if errors.Is(err, errNoKey) {
		return err
	}
	return fmt.Errorf("open the data key with %s: %w", k, err)
}

// recipients names all that could open a file.
func (m metadata) recipients() string {
	var groups []string
	for _, g := range m.groups() {
		var names []string
		for _, k := range g.masters() {
			names = append(names, k.String())
		}
		groups = append(groups, strings.Join(names, " or "))
	}
	if len(groups) == 1 {
		return groups[0]
	}
	need := m.ShamirThreshold.value
	if need == 0 {
		need = len(groups)
	}
	return fmt.Sprintf("%d of: %s", need, strings.Join(groups, "; "))
}

// parsePGP reads every armoured block of a text, private keys only.
func parsePGP(text []byte) (openpgp.EntityList, error) {
	var out openpgp.EntityList
	for {
		at := bytes.Index(text, []byte("-----BEGIN PGP"))
		if at < 0 {
			break
		}
		text = text[at:]
		end := bytes.Index(text, []byte("-----END PGP"))
		if end < 0 {
			return nil, errors.New("an armoured key does not end")
		}
		if eol := bytes.IndexByte(text[end:], '\n'); eol >= 0 {
			end += eol + 1
		} else {
			end = len(text)
		}
		ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(text[:end]))
		if err != nil {
			return nil, errors.New("it is no armoured PGP key")
		}
		out, text = append(out, ring...), text[end:]
	}
	for _, e := range out {
		if e.PrivateKey == nil {
			return nil, errors.New("it holds a public key; the private one is needed")
		}
		if e.PrivateKey.Encrypted {
			return nil, errors.New("its key is protected by a passphrase; export it without")
		}
	}
	if len(out) == 0 {
		return nil, errors.New("it is no armoured PGP key")
	}
	return out, nil
}
