package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// signature signs requests in AWS's way, version 4.
type signature struct {
	login           awsLogin
	region, service string
	at              time.Time
}

// sign adds the headers to a request for / without a query.
func (s signature) sign(req *http.Request, body []byte) {
	stamp := s.at.UTC().Format("20060102T150405Z")
	day := stamp[:8]
	req.Header.Set("X-Amz-Date", stamp)
	if s.login.Session != "" {
		req.Header.Set("X-Amz-Security-Token", s.login.Session)
	}
	lines := map[string]string{"host": req.URL.Host}
	for name, values := range req.Header {
		lines[strings.ToLower(name)] = strings.TrimSpace(strings.Join(values, ","))
	}
	names := slices.Sorted(maps.Keys(lines))
	signed := strings.Join(names, ";")
	var canonical strings.Builder
	canonical.WriteString(req.Method + "\n/\n\n")
	for _, name := range names {
		canonical.WriteString(name + ":" + lines[name] + "\n")
	}
	canonical.WriteString("\n" + signed + "\n" + hexHash(body))
	scope := day + "/" + s.region + "/" + s.service + "/aws4_request"
	key := []byte("AWS4" + s.login.Secret)
	for _, part := range []string{day, s.region, s.service, "aws4_request", "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + hexHash([]byte(canonical.String()))} {
		mac := hmac.New(sha256.New, key)
		_, _ = mac.Write([]byte(part)) // a hash never fails
		key = mac.Sum(nil)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+s.login.ID+"/"+scope+", SignedHeaders="+signed+", Signature="+hex.EncodeToString(key))
}

func hexHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
