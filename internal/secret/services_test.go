package secret

import (
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
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
)

// world answers for Vault and the clouds with the shapes that their APIs
// document. What they encrypted is the data key in base64, after a mark.
type world struct {
	t      *testing.T
	key    *rsa.PrivateKey
	status int // of every answer, where it is set
	server *httptest.Server
	asked  []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, key: key}
	w.server = httptest.NewServer(w)
	t.Cleanup(w.server.Close)
	return w
}

// RoundTrip implements http.RoundTripper: every host is this one.
func (w *world) RoundTrip(req *http.Request) (*http.Response, error) {
	host := req.URL.Host
	w.asked = append(w.asked, host)
	req = req.Clone(req.Context())
	req.Header.Set("Test-Host", host)
	req.URL.Scheme, req.URL.Host = "http", strings.TrimPrefix(w.server.URL, "http://")
	return http.DefaultTransport.RoundTrip(req)
}

func (w *world) ServeHTTP(out http.ResponseWriter, req *http.Request) {
	if w.status != 0 {
		http.Error(out, "the token hvs.secret is not one", w.status)
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		w.t.Error(err)
	}
	var in map[string]any
	_ = json.Unmarshal(body, &in)
	unseal := func(field string, encoding *base64.Encoding) string {
		sealed, err := encoding.DecodeString(fmt.Sprint(in[field]))
		key, ok := strings.CutPrefix(string(sealed), "sealed:")
		if err != nil || !ok {
			w.t.Errorf("%s: %q", field, in[field])
		}
		return key
	}
	answer := func(format string, args ...any) { fmt.Fprintf(out, format, args...) }
	deny := func(ok bool) bool {
		if !ok {
			http.Error(out, "{}", http.StatusForbidden)
		}
		return !ok
	}
	switch at := req.Header.Get("Test-Host") + req.URL.RequestURI(); at {
	case "vault.example.com:8200/v1/transit/decrypt/sops":
		if !deny(req.Header.Get("X-Vault-Token") == "hvs.secret") {
			answer(`{"data":{"plaintext":%q}}`, strings.TrimPrefix(fmt.Sprint(in["ciphertext"]), "vault:v1:"))
		}
	case "kms.eu-central-1.amazonaws.com/":
		context, _ := in["EncryptionContext"].(map[string]any)
		authorized := strings.HasPrefix(req.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/eu-central-1/kms/aws4_request, SignedHeaders=content-type;host;x-amz-date")
		if !deny(authorized && req.Header.Get("X-Amz-Target") == "TrentService.Decrypt" && context["app"] == "shop") {
			answer(`{"Plaintext":%q}`, unseal("CiphertextBlob", base64.StdEncoding))
		}
	case "sts.eu-central-1.amazonaws.com/":
		if !deny(strings.Contains(string(body), "WebIdentityToken=pod-claim")) {
			answer(`<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AKIDEXAMPLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`)
		}
	case "oauth2.googleapis.com/token":
		if !deny(w.claims(string(body))) {
			answer(`{"access_token":"gcp-token"}`)
		}
	case "metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token":
		if !deny(req.Header.Get("Metadata-Flavor") == "Google") {
			answer(`{"access_token":"gcp-token"}`)
		}
	case "cloudkms.googleapis.com/v1/projects/shop/locations/global/keyRings/sops/cryptoKeys/sops:decrypt":
		if !deny(req.Header.Get("Authorization") == "Bearer gcp-token") {
			answer(`{"plaintext":%q}`, unseal("ciphertext", base64.StdEncoding))
		}
	case "login.microsoftonline.com/tenant/oauth2/v2.0/token":
		text := string(body)
		if !deny(strings.Contains(text, "client_secret=az-secret") || strings.Contains(text, "client_assertion=pod-claim")) {
			answer(`{"access_token":"az-token"}`)
		}
	case "shop.vault.azure.net/keys/sops/0123456789abcdef/decrypt?api-version=7.4":
		if !deny(req.Header.Get("Authorization") == "Bearer az-token" && in["alg"] == "RSA-OAEP-256") {
			key, err := base64.StdEncoding.DecodeString(unseal("value", base64.RawURLEncoding))
			if err != nil {
				w.t.Error(err)
			}
			answer(`{"value":%q}`, base64.RawURLEncoding.EncodeToString(key))
		}
	default:
		w.t.Errorf("nobody should ask %s", at)
		http.NotFound(out, req)
	}
}

// claims verifies what a service account signed.
func (w *world) claims(form string) bool {
	_, text, ok := strings.Cut(form, "assertion=")
	text, _, _ = strings.Cut(text, "&")
	at := strings.LastIndex(text, ".")
	if !ok || at < 0 {
		return false
	}
	sum := sha256.Sum256([]byte(text[:at]))
	sig, err := base64.RawURLEncoding.DecodeString(text[at+1:])
	return err == nil && rsa.VerifyPKCS1v15(&w.key.PublicKey, crypto.SHA256, sum[:], sig) == nil
}

func (w *world) serviceAccount() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(w.key)
	if err != nil {
		w.t.Fatal(err)
	}
	data, err := json.Marshal(map[string]string{
		"client_email": "sops@shop.iam", "private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

func entries(pairs ...string) map[string][]byte {
	out := map[string][]byte{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = []byte(pairs[i+1])
	}
	return out
}

func TestServices(t *testing.T) {
	t.Parallel()
	const awsKeys = "aws_access_key_id: AKIDEXAMPLE\naws_secret_access_key: wJalr\n"
	const azKeys = "tenantId: tenant\nclientId: client\nclientSecret: az-secret\n"
	account := func(w *world) map[string][]byte { return map[string][]byte{"sops.gcp-kms": w.serviceAccount()} }
	fixed := func(pairs ...string) func(*world) map[string][]byte {
		return func(*world) map[string][]byte { return entries(pairs...) }
	}
	none := fixed()
	for _, tc := range []struct {
		reason, file string
		data         func(*world) map[string][]byte
		ambient      bool
		status       int
		kind         fault.Kind
		says         string
	}{
		{"Vault with a token", "vault.yaml", fixed(vaultToken, "hvs.secret\n", vaultAddress, "https://vault.example.com:8200/"), false, 0, "", ""},
		{"a token is sent to named addresses only", "vault.yaml", fixed(vaultToken, "hvs.secret", vaultAddress, "https://other.example.com"), false, 0, fault.Missing, "Vault https://vault.example.com:8200/v1/transit/keys/sops"},
		{"a token without an address", "vault.yaml", fixed(vaultToken, "hvs.secret"), false, 0, fault.Missing, "add sops.vault-address"},
		{"a token that Vault refuses", "vault.yaml", fixed(vaultToken, "hvs.other", vaultAddress, "https://vault.example.com:8200"), false, 0, fault.Denied, "403"},
		{"Vault is down", "vault.yaml", fixed(vaultToken, "hvs.secret", vaultAddress, "https://vault.example.com:8200"), false, 503, fault.Transient, "503"},
		{"Vault redirects", "vault.yaml", fixed(vaultToken, "hvs.secret", vaultAddress, "https://vault.example.com:8200"), false, 307, fault.Invalid, "307"},
		{"AWS with an access key", "aws.yaml", fixed("sops.aws-kms", awsKeys), false, 0, "", ""},
		{"AWS as a pod", "aws.yaml", none, true, 0, "", ""},
		{"AWS without a key", "aws.yaml", none, false, 0, fault.Missing, "arn:aws:kms:eu-central-1"},
		{"an entry that is no access key", "aws.yaml", fixed("sops.aws-kms", "wJalr"), false, 0, fault.Missing, "entry sops.aws-kms: it is no YAML"},
		{"Google Cloud with a service account", "gcp.yaml", account, false, 0, "", ""},
		{"Google Cloud as a pod", "gcp.yaml", none, true, 0, "", ""},
		{"Azure with a service principal", "azure.yaml", fixed("sops.azure-kv", azKeys), false, 0, "", ""},
		{"Azure as a pod", "azure.yaml", none, true, 0, "", ""},
	} {
		w := newWorld(t)
		w.status = tc.status
		sealed, err := os.ReadFile(filepath.Join("testdata", "sealed", tc.file))
		if err != nil {
			t.Fatal(err)
		}
		environment := map[string]string{
			"AWS_WEB_IDENTITY_TOKEN_FILE": "claim", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/trueup",
			"AZURE_FEDERATED_TOKEN_FILE": "claim", "AZURE_TENANT_ID": "tenant", "AZURE_CLIENT_ID": "client",
		}
		d := New(Options{
			Keys: Fixed{{Name: "Secret cloud", Data: tc.data(w)}}, Ambient: tc.ambient, Transport: w,
			Getenv: func(name string) string { return environment[name] }, ReadFile: func(string) ([]byte, error) { return []byte("pod-claim"), nil },
			Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
		})
		plain, err := d.Decrypt(t.Context(), "shop", tc.file, sealed)
		if fault.Of(err) != tc.kind {
			t.Errorf("%s: got %v, want kind %q", tc.reason, err, tc.kind)
			continue
		}
		if err == nil {
			if !strings.Contains(string(plain.Data), "password: correct horse battery staple") {
				t.Errorf("%s: got %s", tc.reason, plain.Data)
			}
			continue
		}
		if !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %q is not in: %v", tc.reason, tc.says, err)
		}
		for _, text := range []string{"hvs.", "wJalr"} {
			if strings.Contains(err.Error(), text) {
				t.Errorf("%s: the error tells a credential: %v", tc.reason, err)
			}
		}
	}
}

// TestHostileAddresses: files choose whom to ask, and must not choose who gets
// a credential.
func TestHostileAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := &ring{
		services: newServices(Options{Transport: w}), aws: []awsLogin{{ID: "a", Secret: "b"}},
		azure: []azureLogin{{Tenant: "t", Client: "c", Secret: "s"}}, gcp: []gcpLogin{{"e", w.key}},
		vault: []vaultLogin{{"hvs.secret", []string{"https://vault.example.com"}}},
	}
	for _, k := range []master{
		awsKey{ARN: "arn:aws:kms:evil.example.com/:1:key/x"}, awsKey{ARN: "arn:aws:kms:eu.evil:1:key/x"},
		azureKey{Vault: "https://evil.example.com"}, azureKey{Vault: "https://evil.example.com/.vault.azure.net"},
		azureKey{Vault: "http://shop.vault.azure.net"}, azureKey{Vault: "https://evilvault.azure.net"}, azureKey{Vault: "https://shop.vault.azure.net:81"},
		gcpKey{Resource: "projects/../../x"}, gcpKey{Resource: "projects/a/locations/b/keyRings/c/cryptoKeys/d?e"},
		vaultKey{Address: "https://vault.example.com.evil.example"}, vaultKey{Address: "https://vault.example.com@evil.example"},
	} {
		if key, err := k.open(t.Context(), r); err == nil {
			t.Errorf("%v opens: %q", k, key)
		}
	}
	for _, host := range w.asked {
		if host != "oauth2.googleapis.com" {
			t.Errorf("%s was asked", host)
		}
	}
}

// TestSignature is the example of AWS's own test suite with a body.
func TestSignature(t *testing.T) {
	t.Parallel()
	req := httptest.NewRequest(http.MethodPost, "https://example.amazonaws.com/", nil)
	req.URL.Host = "example.amazonaws.com"
	req.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	signature{
		login: awsLogin{ID: "AKIDEXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}, region: "us-east-1", service: "service",
		at: time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC),
	}.sign(req, []byte("Param1=value1"))
	const want = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
	if got := req.Header.Get("Authorization"); !strings.HasSuffix(got, want) {
		t.Errorf("got %s", got)
	}
}
