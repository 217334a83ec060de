package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
)

// proof is one way in which a provider shows that it knows a secret.
type proof struct {
	// secret is its name in Argo CD.
	secret, header string
	// signed: the header signs the body; else it holds the secret itself.
	signed bool
	// user names a second secret, where the header has a user and a password.
	// Any user will do where that is not configured.
	user string
}

// check tells whether a body is what the sender signed.
type check func(body []byte) bool

// anyOf always tries all, so that time does not tell which one held.
func anyOf(checks []check, body []byte) bool {
	held := false
	for _, c := range checks {
		held = c(body) || held
	}
	return held
}

// signature is an HMAC-SHA256 in hexadecimal, with or without the name of the
// method before it.
type signature struct{ given, secret string }

func (s signature) holds(body []byte) bool {
	given, err := hex.DecodeString(strings.TrimPrefix(s.given, "sha256="))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(s.secret))
	mac.Write(body)
	return hmac.Equal(given, mac.Sum(nil))
}

// same compares in a time that depends on neither text. The braces around an
// id of Bitbucket's are not part of it.
func same(given, secret string) bool {
	a, b := sha256.Sum256([]byte(strings.Trim(given, "{}"))), sha256.Sum256([]byte(strings.Trim(secret, "{}")))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
