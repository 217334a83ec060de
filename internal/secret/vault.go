package secret

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// vaultLogin is a token of Vault or OpenBao, and where it is sent.
type vaultLogin struct {
	token     string
	addresses []string
}

func newVaultLogin(token, at []byte) vaultLogin {
	return vaultLogin{token: strings.TrimSpace(string(token)), addresses: addresses(at)}
}

// vaultKey is a key of Vault's transit engine.
type vaultKey struct {
	Address string `json:"vault_address"`
	Engine  string `json:"engine_path"`
	Name    string `json:"key_name"`
	Enc     string `json:"enc"`
}

func (k vaultKey) String() string {
	return "Vault " + strings.TrimRight(k.Address, "/") + "/v1/" + k.Engine + "/keys/" + k.Name
}

func (k vaultKey) open(ctx context.Context, r *ring) ([]byte, error) {
	at := strings.TrimRight(k.Address, "/")
	var mine []vaultLogin
	for _, l := range r.vault {
		if slices.Contains(l.addresses, at) {
			mine = append(mine, l)
		}
	}
	engine := url.URL{Path: strings.Trim(k.Engine, "/")}
	to := at + "/v1/" + engine.EscapedPath() + "/decrypt/" + url.PathEscape(k.Name)
	return first(mine, func(l vaultLogin) ([]byte, error) {
		var out struct {
			Data struct {
				Plaintext string `json:"plaintext"`
			} `json:"data"`
		}
		header := http.Header{"X-Vault-Token": {l.token}, "X-Vault-Request": {"true"}}
		if err := r.services.post(ctx, to, header, map[string]string{"ciphertext": k.Enc}, &out); err != nil {
			return nil, err
		}
		return dataKey(base64.StdEncoding, out.Data.Plaintext)
	})
}
