package secret

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"regexp"

	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/internal/fault"
)

// awsLogin is an access key, or one of a session.
type awsLogin struct {
	ID      string `json:"aws_access_key_id" xml:"AccessKeyId"`
	Secret  string `json:"aws_secret_access_key" xml:"SecretAccessKey"`
	Session string `json:"aws_session_token" xml:"SessionToken"`
}

func newAWSLogin(data []byte) (awsLogin, error) {
	var l awsLogin
	if err := yaml.Unmarshal(data, &l); err != nil || l.ID == "" || l.Secret == "" {
		return l, errors.New("it is no YAML with aws_access_key_id and aws_secret_access_key")
	}
	return l, nil
}

// awsKey is a key of AWS KMS.
type awsKey struct {
	ARN     string            `json:"arn"`
	Role    string            `json:"role"`
	Context map[string]string `json:"context"`
	Enc     string            `json:"enc"`
}

func (k awsKey) String() string { return k.ARN }

// host is the server of a service in the key's region.
func (k awsKey) host(service string) (host, region string, err error) {
	m := regexp.MustCompile(`^arn:(aws[a-z-]*):kms:([a-z0-9-]+):[0-9]+:(?:key|alias)/.+$`).FindStringSubmatch(k.ARN)
	if m == nil {
		return "", "", fault.New(fault.Invalid, "%q is no ARN of a key", k.ARN)
	}
	suffix := ".amazonaws.com"
	if m[1] == "aws-cn" {
		suffix += ".cn"
	}
	return service + "." + m[2] + suffix, m[2], nil
}

func (k awsKey) open(ctx context.Context, r *ring) ([]byte, error) {
	logins := r.aws
	if len(logins) == 0 && r.services.ambient {
		l, err := r.services.awsAmbient(ctx, k)
		if err != nil {
			return nil, err
		}
		logins = []awsLogin{l}
	}
	return first(logins, func(l awsLogin) ([]byte, error) {
		if k.Role != "" {
			var err error
			if l, err = r.services.assume(ctx, k, l); err != nil {
				return nil, err
			}
		}
		return r.services.awsDecrypt(ctx, k, l)
	})
}

func (s *services) awsDecrypt(ctx context.Context, k awsKey, l awsLogin) ([]byte, error) {
	host, region, err := k.host("kms")
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]any{"KeyId": k.ARN, "CiphertextBlob": k.Enc, "EncryptionContext": k.Context})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+host+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "TrentService.Decrypt")
	signature{login: l, region: region, service: "kms", at: s.now()}.sign(req, body)
	var out struct{ Plaintext string }
	if err := s.decode(req, &out); err != nil {
		return nil, err
	}
	return dataKey(base64.StdEncoding, out.Plaintext)
}

// session is how AWS logs name what we do.
const session = "trueup"

// assume takes the role that a file asks for.
func (s *services) assume(ctx context.Context, k awsKey, l awsLogin) (awsLogin, error) {
	return s.sts(ctx, k, &l, url.Values{"Action": {"AssumeRole"}, "RoleArn": {k.Role}})
}

// awsAmbient logs in as the pod's service account.
func (s *services) awsAmbient(ctx context.Context, k awsKey) (awsLogin, error) {
	file, role := s.getenv("AWS_WEB_IDENTITY_TOKEN_FILE"), s.getenv("AWS_ROLE_ARN")
	if file == "" || role == "" {
		return awsLogin{}, errNoKey
	}
	token, err := s.readFile(file)
	if err != nil {
		return awsLogin{}, err
	}
	return s.sts(ctx, k, nil, url.Values{"Action": {"AssumeRoleWithWebIdentity"}, "RoleArn": {role}, "WebIdentityToken": {string(token)}})
}

func (s *services) sts(ctx context.Context, k awsKey, l *awsLogin, form url.Values) (awsLogin, error) {
	host, region, err := k.host("sts")
	if err != nil {
		return awsLogin{}, err
	}
	form.Set("Version", "2011-06-15")
	form.Set("RoleSessionName", session)
	body := []byte(form.Encode())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+host+"/", bytes.NewReader(body))
	if err != nil {
		return awsLogin{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if l != nil {
		signature{login: *l, region: region, service: "sts", at: s.now()}.sign(req, body)
	}
	data, err := s.do(req)
	if err != nil {
		return awsLogin{}, err
	}
	var out struct {
		Assumed  awsLogin `xml:"AssumeRoleResult>Credentials"`
		Identity awsLogin `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
	}
	if xml.Unmarshal(data, &out) != nil || out.Assumed.ID+out.Identity.ID == "" {
		return awsLogin{}, fault.New(fault.Transient, "%s answers with what is not expected", host)
	}
	if out.Assumed.ID != "" {
		return out.Assumed, nil
	}
	return out.Identity, nil
}
