// Command sopsfixtures writes the encrypted files that tests and examples
// read, with the SOPS library itself. It is a module of its own, because the
// library brings the SDKs of four clouds.
//
// Run it from the repository's root: go run -C tools/sopsfixtures . ../..
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	sopsage "github.com/getsops/sops/v3/age"
	"github.com/getsops/sops/v3/azkv"
	"github.com/getsops/sops/v3/cmd/sops/common"
	"github.com/getsops/sops/v3/cmd/sops/formats"
	"github.com/getsops/sops/v3/config"
	"github.com/getsops/sops/v3/gcpkms"
	"github.com/getsops/sops/v3/hcvault"
	"github.com/getsops/sops/v3/keyservice"
	"github.com/getsops/sops/v3/kms"
	"github.com/getsops/sops/v3/pgp"
)

type fixture struct {
	out    string
	format formats.Format
	plain  string
	meta   sops.Metadata
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: sopsfixtures ROOT")
	}
	if err := write(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func write(root string) error {
	keys := filepath.Join(root, "internal/secret/testdata/keys")
	alice, err := ageKey(filepath.Join(keys, "alice.agekey"))
	if err != nil {
		return err
	}
	bob, err := ageKey(filepath.Join(keys, "bob.agekey"))
	if err != nil {
		return err
	}
	example, err := ageKey(filepath.Join(root, "examples/sops/example.agekey"))
	if err != nil {
		return err
	}
	entity, err := pgpKey(filepath.Join(keys, "carol.asc"))
	if err != nil {
		return err
	}
	all := append(fixtures(alice, bob, fmt.Sprintf("%X", entity.PrimaryKey.Fingerprint)), examples(example)...)
	for _, f := range all {
		name := filepath.Join(root, f.out)
		if _, err := os.Stat(name); err == nil {
			continue // every encryption is another text
		}
		data, err := encrypt(f, entity)
		if err != nil {
			return fmt.Errorf("%s: %w", f.out, err)
		}
		if err := store(name, data); err != nil {
			return err
		}
		if strings.HasPrefix(f.out, "internal/") {
			if err := store(filepath.Join(filepath.Dir(filepath.Dir(name)), "plain", filepath.Base(name)), []byte(f.plain)); err != nil {
				return err
			}
		}
	}
	return nil
}

func store(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o644)
}

func encrypt(f fixture, entity *openpgp.Entity) ([]byte, error) {
	store := common.StoreForFormat(f.format, config.NewStoresConfig())
	branches, err := store.LoadPlainFile([]byte(f.plain))
	if err != nil {
		return nil, err
	}
	tree := sops.Tree{Branches: branches, Metadata: f.meta}
	tree.Metadata.Version = "3.13.3"
	if f.meta.EncryptedRegex+f.meta.UnencryptedRegex+f.meta.EncryptedSuffix+f.meta.EncryptedCommentRegex+f.meta.UnencryptedCommentRegex == "" {
		tree.Metadata.UnencryptedSuffix = sops.DefaultUnencryptedSuffix
	}
	service := keyservice.NewCustomLocalClient(server{entity: entity})
	key, errs := tree.GenerateDataKeyWithKeyServices([]keyservice.KeyServiceClient{service})
	if len(errs) > 0 {
		return nil, fmt.Errorf("%v", errs)
	}
	if err := common.EncryptTree(common.EncryptTreeOpts{Tree: &tree, Cipher: aes.NewCipher(), DataKey: key}); err != nil {
		return nil, err
	}
	return store.EmitEncryptedFile(tree)
}

// server encrypts data keys without gpg and without clouds: what a cloud
// would return is the data key in base64, which the tests' servers undo.
type server struct {
	keyservice.Server
	entity *openpgp.Entity
}

func (s server) Encrypt(ctx context.Context, req *keyservice.EncryptRequest) (*keyservice.EncryptResponse, error) {
	text := base64.StdEncoding.EncodeToString(req.Plaintext)
	switch req.Key.KeyType.(type) {
	case *keyservice.Key_PgpKey:
		var out bytes.Buffer
		a, err := armor.Encode(&out, "PGP MESSAGE", nil)
		if err != nil {
			return nil, err
		}
		w, err := openpgp.Encrypt(a, []*openpgp.Entity{s.entity}, nil, &openpgp.FileHints{IsBinary: true}, nil)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(req.Plaintext); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		if err := a.Close(); err != nil {
			return nil, err
		}
		return &keyservice.EncryptResponse{Ciphertext: out.Bytes()}, nil
	case *keyservice.Key_VaultKey:
		return &keyservice.EncryptResponse{Ciphertext: []byte("vault:v1:" + text)}, nil
	case *keyservice.Key_KmsKey, *keyservice.Key_GcpKmsKey:
		return &keyservice.EncryptResponse{Ciphertext: []byte(base64.StdEncoding.EncodeToString([]byte("sealed:" + text)))}, nil
	case *keyservice.Key_AzureKeyvaultKey:
		return &keyservice.EncryptResponse{Ciphertext: []byte(base64.RawURLEncoding.EncodeToString([]byte("sealed:" + text)))}, nil
	}
	return s.Server.Encrypt(ctx, req)
}

func ageKey(name string) (string, error) {
	if data, err := os.ReadFile(name); err == nil {
		ids, err := age.ParseIdentities(bytes.NewReader(data))
		if err != nil {
			return "", err
		}
		return ids[0].(*age.X25519Identity).Recipient().String(), nil
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("# made for tests and examples; it protects nothing\n# public key: %s\n%s\n", id.Recipient(), id)
	return id.Recipient().String(), store(name, []byte(text))
}

func pgpKey(name string) (*openpgp.Entity, error) {
	if data, err := os.ReadFile(name); err == nil {
		ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return ring[0], nil
	}
	entity, err := openpgp.NewEntity("Carol", "made for tests; it protects nothing", "carol@example.com", nil)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	a, err := armor.Encode(&out, openpgp.PrivateKeyType, nil)
	if err != nil {
		return nil, err
	}
	if err := entity.SerializePrivate(a, nil); err != nil {
		return nil, err
	}
	if err := a.Close(); err != nil {
		return nil, err
	}
	return entity, store(name, append(out.Bytes(), '\n'))
}

func groups(g ...sops.KeyGroup) []sops.KeyGroup { return g }

func toAge(recipient string) *sopsage.MasterKey {
	return &sopsage.MasterKey{Recipient: recipient}
}

func toPGP(fingerprint string) *pgp.MasterKey {
	return &pgp.MasterKey{Fingerprint: fingerprint, CreationDate: created()}
}

func created() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func clouds() (vault, aws, gcp, azure sops.KeyGroup) {
	return sops.KeyGroup{&hcvault.MasterKey{VaultAddress: "https://vault.example.com:8200", EnginePath: "transit", KeyName: "sops", CreationDate: created()}},
		sops.KeyGroup{&kms.MasterKey{Arn: "arn:aws:kms:eu-central-1:123456789012:key/0d1c9d0e-0000-4000-8000-000000000001", CreationDate: created(), EncryptionContext: map[string]*string{"app": new("shop")}}},
		sops.KeyGroup{&gcpkms.MasterKey{ResourceID: "projects/shop/locations/global/keyRings/sops/cryptoKeys/sops", CreationDate: created()}},
		sops.KeyGroup{&azkv.MasterKey{VaultURL: "https://shop.vault.azure.net", Name: "sops", Version: "0123456789abcdef", CreationDate: created()}}
}
