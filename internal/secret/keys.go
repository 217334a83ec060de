package secret

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"filippo.io/age"
	"github.com/ProtonMail/go-crypto/openpgp"
)

// Keys gives the bundles of keys that there are now.
type Keys interface {
	Bundles(ctx context.Context) ([]Bundle, error)
}

// Bundle is a Secret with keys, or what stands for one.
type Bundle struct {
	// Name is how people find it, and Version changes whenever Data does.
	Name, Version string
	// Project limits the keys to applications of one project; empty is all.
	Project string
	// Data holds keys under the names that Flux gives them: *.agekey, *.asc,
	// sops.vault-token, sops.aws-kms, sops.gcp-kms, sops.azure-kv.
	Data map[string][]byte
}

// The names of entries. A Vault token is only sent to the addresses of
// vaultAddress: files name the server that is asked, and anybody who can write
// a file could ask for the token to be sent to his own.
const (
	vaultToken   = "sops.vault-token"
	vaultAddress = "sops.vault-address"
	awsEntry     = "sops.aws-kms"
	gcpEntry     = "sops.gcp-kms"
	azureEntry   = "sops.azure-kv"
)

// ring is all that opens data keys for one project.
type ring struct {
	age      []age.Identity
	pgp      openpgp.EntityList
	vault    []vaultLogin
	aws      []awsLogin
	gcp      []gcpLogin
	azure    []azureLogin
	problems []string
	services *services
}

// add takes the keys of a bundle in. What cannot be read is a problem to be
// told where no other key helps.
func (r *ring) add(b Bundle) {
	for _, name := range slices.Sorted(maps.Keys(b.Data)) {
		data := b.Data[name]
		var err error
		switch {
		case strings.HasSuffix(name, ".agekey"):
			var ids []age.Identity
			if ids, err = age.ParseIdentities(bytes.NewReader(data)); err != nil {
				err = fmt.Errorf("it holds no age keys") // err could quote one
			}
			r.age = append(r.age, ids...)
		case strings.HasSuffix(name, ".asc"):
			var ring openpgp.EntityList
			ring, err = parsePGP(data)
			r.pgp = append(r.pgp, ring...)
		case name == vaultToken:
			login := newVaultLogin(data, b.Data[vaultAddress])
			if len(login.addresses) == 0 {
				err = fmt.Errorf("the token is sent nowhere: add %s with the address of Vault", vaultAddress)
			}
			r.vault = append(r.vault, login)
		case name == awsEntry:
			var login awsLogin
			if login, err = newAWSLogin(data); err == nil {
				r.aws = append(r.aws, login)
			}
		case name == gcpEntry:
			var login gcpLogin
			if login, err = newGCPLogin(data); err == nil {
				r.gcp = append(r.gcp, login)
			}
		case name == azureEntry:
			var login azureLogin
			if login, err = newAzureLogin(data); err == nil {
				r.azure = append(r.azure, login)
			}
		}
		if err != nil {
			r.problems = append(r.problems, fmt.Sprintf("%s, entry %s: %v", b.Name, name, err))
		}
	}
}

// addresses are separated by commas or space.
func addresses(data []byte) []string {
	var out []string
	for _, a := range strings.FieldsFunc(string(data), func(r rune) bool { return r == ',' || r == '\n' || r == ' ' || r == '\r' }) {
		out = append(out, strings.TrimRight(a, "/"))
	}
	return out
}
