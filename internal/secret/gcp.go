package secret

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
)

// gcpLogin is a service account with its key.
type gcpLogin struct {
	email string
	key   *rsa.PrivateKey
}

func newGCPLogin(data []byte) (gcpLogin, error) {
	var file struct {
		Email string `json:"client_email"`
		Key   string `json:"private_key"`
	}
	bad := errors.New("it is no JSON key of a service account")
	if json.Unmarshal(data, &file) != nil || file.Email == "" {
		return gcpLogin{}, bad
	}
	block, _ := pem.Decode([]byte(file.Key))
	if block == nil {
		return gcpLogin{}, bad
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok {
		return gcpLogin{}, bad
	}
	return gcpLogin{file.Email, key}, nil
}

// gcpKey is a key of Google Cloud KMS.
type gcpKey struct {
	Resource string `json:"resource_id"`
	Enc      string `json:"enc"`
}

func (k gcpKey) String() string { return "Google Cloud KMS " + k.Resource }

const (
	gcpTokens   = "https://oauth2.googleapis.com/token"
	gcpKMS      = "https://cloudkms.googleapis.com/v1/"
	gcpScope    = "https://www.googleapis.com/auth/cloudkms"
	gcpMetadata = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token"
)

func (k gcpKey) open(ctx context.Context, r *ring) ([]byte, error) {
	if !regexp.MustCompile(`^projects/[^/?#]+/locations/[^/?#]+/keyRings/[^/?#]+/cryptoKeys/[^/?#]+$`).MatchString(k.Resource) {
		return nil, fault.New(fault.Invalid, "%q is no name of a key", k.Resource)
	}
	if len(r.gcp) == 0 && r.services.ambient {
		token, err := r.services.gcpAmbient(ctx)
		if err != nil {
			return nil, err
		}
		return r.services.gcpDecrypt(ctx, k, token)
	}
	return first(r.gcp, func(l gcpLogin) ([]byte, error) {
		token, err := r.services.gcpToken(ctx, l)
		if err != nil {
			return nil, err
		}
		return r.services.gcpDecrypt(ctx, k, token)
	})
}

func (s *services) gcpDecrypt(ctx context.Context, k gcpKey, token string) ([]byte, error) {
	var out struct {
		Plaintext string `json:"plaintext"`
	}
	if err := s.post(ctx, gcpKMS+k.Resource+":decrypt", bearer(token), map[string]string{"ciphertext": k.Enc}, &out); err != nil {
		return nil, err
	}
	return dataKey(base64.StdEncoding, out.Plaintext)
}

// token is what login servers answer.
type token struct {
	Access string `json:"access_token"`
}

// gcpToken trades a signed claim for a token.
func (s *services) gcpToken(ctx context.Context, l gcpLogin) (string, error) {
	now := s.now()
	claim, err := json.Marshal(map[string]any{
		"iss": l.email, "scope": gcpScope, "aud": gcpTokens, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	})
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(claim)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, l.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", errors.New("the service account's key cannot sign")
	}
	var out token
	err = s.form(ctx, gcpTokens, url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {text + "." + base64.RawURLEncoding.EncodeToString(sig)},
	}, &out)
	return out.Access, err
}

// gcpAmbient is the token of the machine's or pod's service account.
func (s *services) gcpAmbient(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, gcpMetadata, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Metadata-Flavor", "Google")
	var out token
	err = s.decode(req, &out)
	return out.Access, err
}
