package wire

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
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Tokens exchanges the keys of GitHub Apps for tokens, and keeps each until
// shortly before it expires.
type Tokens struct {
	now func() time.Time

	mu    sync.Mutex
	known map[[sha256.Size]byte]token
}

type token struct {
	text    string
	expires time.Time
}

// early is how long before its end a token is not used any more.
const early = 5 * time.Minute

// NewTokens returns Tokens that has none yet.
func NewTokens(now func() time.Time) *Tokens {
	return &Tokens{now: now, known: map[[sha256.Size]byte]token{}}
}

// Token gives a token that an app's installation works with. Two that ask at
// the same time may get two, which both work.
func (t *Tokens) Token(ctx context.Context, client *http.Client, app GitHubApp) (string, error) {
	t.mu.Lock()
	k, ok := t.known[app.id()]
	t.mu.Unlock()
	if ok && t.now().Add(early).Before(k.expires) {
		return k.text, nil
	}
	k, err := t.exchange(ctx, client, app)
	if err != nil {
		return "", fmt.Errorf("get a token for the GitHub App %d: %w", app.AppID, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, old := range t.known {
		if old.expires.Before(t.now()) {
			delete(t.known, id)
		}
	}
	t.known[app.id()] = k
	return k.text, nil
}

func (t *Tokens) drop(app GitHubApp) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.known, app.id())
}

func (app GitHubApp) id() [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%d\x00%s", app.BaseURL, app.AppID, app.InstallationID, app.PrivateKey))
}

func (t *Tokens) exchange(ctx context.Context, client *http.Client, app GitHubApp) (token, error) {
	signed, err := app.sign(t.now())
	if err != nil {
		return token{}, err
	}
	base := strings.TrimRight(app.BaseURL, "/")
	if base == "" {
		base = "https://api.github.com"
	}
	to := fmt.Sprintf("%s/app/installations/%d/access_tokens", base, app.InstallationID)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, nil)
	if err != nil {
		return token{}, fault.New(fault.Invalid, "the API's URL cannot be read")
	}
	req.Header.Set("Authorization", "Bearer "+signed)
	req.Header.Set("Accept", "application/vnd.github+json")
	req.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	answer, err := client.Do(req)
	if err != nil {
		return token{}, bare(err)
	}
	defer answer.Body.Close() //nolint:errcheck // only read from
	switch answer.StatusCode {
	case http.StatusCreated:
	case http.StatusUnauthorized, http.StatusForbidden:
		return token{}, fault.New(fault.Denied, "%s says %s: check the app's id and private key", base, answer.Status)
	case http.StatusNotFound:
		return token{}, fault.New(fault.Denied, "%s says %s: the app has no installation %d", base, answer.Status, app.InstallationID)
	default:
		return token{}, fmt.Errorf("%s says %s", base, answer.Status)
	}
	var body struct {
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&body); err != nil || body.Token == "" {
		return token{}, fmt.Errorf("%s gave no token", base)
	}
	return token{body.Token, body.ExpiresAt}, nil
}

// sign makes what proves that we are the app, for some minutes. It is dated
// back a little, because clocks differ.
func (app GitHubApp) sign(now time.Time) (string, error) {
	block, _ := pem.Decode(app.PrivateKey)
	if block == nil {
		return "", fault.New(fault.Denied, "the private key is not a PEM block")
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		other, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		var ok bool
		if key, ok = other.(*rsa.PrivateKey); err != nil || !ok {
			return "", fault.New(fault.Denied, "the private key is not an RSA key")
		}
	}
	claims := fmt.Sprintf(`{"iat":%d,"exp":%d,"iss":"%d"}`, now.Add(-time.Minute).Unix(), now.Add(9*time.Minute).Unix(), app.AppID)
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fault.New(fault.Denied, "the private key cannot sign")
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
