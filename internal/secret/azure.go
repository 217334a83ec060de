package secret

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/internal/fault"
)

// azureLogin is a service principal: its secret, or a claim that a cluster
// signed for a pod.
type azureLogin struct {
	Tenant, Client, Secret string
	claim                  string
}

func newAzureLogin(data []byte) (azureLogin, error) {
	var file struct {
		Tenant, TenantID       string
		AppID, ClientID        string
		Password, ClientSecret string
	}
	l := azureLogin{}
	if err := yaml.Unmarshal(data, &file); err == nil {
		l = azureLogin{Tenant: file.Tenant + file.TenantID, Client: file.AppID + file.ClientID, Secret: file.Password + file.ClientSecret}
	}
	if l.Tenant == "" || l.Client == "" || l.Secret == "" {
		return l, errors.New("it is no YAML with tenantId, clientId and clientSecret")
	}
	return l, nil
}

// azureKey is a key of Azure Key Vault.
type azureKey struct {
	Vault   string `json:"vault_url"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Enc     string `json:"enc"`
}

func (k azureKey) String() string {
	return "Azure " + strings.TrimRight(k.Vault, "/") + "/keys/" + k.Name + "/" + k.Version
}

// authority is where one logs in for a vault, and for what. A token is sent to
// Azure's own servers only, whatever a file says.
func (k azureKey) authority() (login, scope string, err error) {
	u, err := url.Parse(k.Vault)
	if err == nil && u.Scheme == "https" && u.User == nil && u.Port() == "" && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" {
		for _, cloud := range [][2]string{
			{"vault.azure.net", "login.microsoftonline.com"}, {"managedhsm.azure.net", "login.microsoftonline.com"},
			{"vault.azure.cn", "login.chinacloudapi.cn"}, {"vault.usgovcloudapi.net", "login.microsoftonline.us"},
		} {
			if strings.HasSuffix(u.Hostname(), "."+cloud[0]) {
				return "https://" + cloud[1] + "/", "https://" + cloud[0] + "/.default", nil
			}
		}
	}
	return "", "", fault.New(fault.Invalid, "%q is no address of a vault", k.Vault)
}

func (k azureKey) open(ctx context.Context, r *ring) ([]byte, error) {
	logins := r.azure
	if len(logins) == 0 && r.services.ambient {
		l, err := r.services.azureAmbient()
		if err != nil {
			return nil, err
		}
		logins = []azureLogin{l}
	}
	return first(logins, func(l azureLogin) ([]byte, error) { return r.services.azureDecrypt(ctx, k, l) })
}

func (s *services) azureDecrypt(ctx context.Context, k azureKey, l azureLogin) ([]byte, error) {
	at, scope, err := k.authority()
	if err != nil {
		return nil, err
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {l.Client}, "scope": {scope}}
	if l.claim != "" {
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", l.claim)
	} else {
		form.Set("client_secret", l.Secret)
	}
	var t token
	if err := s.form(ctx, at+url.PathEscape(l.Tenant)+"/oauth2/v2.0/token", form, &t); err != nil {
		return nil, err
	}
	to := strings.TrimRight(k.Vault, "/") + "/keys/" + url.PathEscape(k.Name) + "/" + url.PathEscape(k.Version) + "/decrypt?api-version=7.4"
	var out struct {
		Value string `json:"value"`
	}
	if err := s.post(ctx, to, bearer(t.Access), map[string]string{"alg": "RSA-OAEP-256", "value": k.Enc}, &out); err != nil {
		return nil, err
	}
	return dataKey(base64.RawURLEncoding, out.Value)
}

// azureAmbient logs in as the pod's service account.
func (s *services) azureAmbient() (azureLogin, error) {
	file := s.getenv("AZURE_FEDERATED_TOKEN_FILE")
	l := azureLogin{Tenant: s.getenv("AZURE_TENANT_ID"), Client: s.getenv("AZURE_CLIENT_ID")}
	if file == "" || l.Tenant == "" || l.Client == "" {
		return l, errNoKey
	}
	claim, err := s.readFile(file)
	l.claim = string(claim)
	return l, err
}
