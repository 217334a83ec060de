package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// metadata is what SOPS writes beside the values.
type metadata struct {
	keyGroup
	KeyGroups       []keyGroup `json:"key_groups"`
	ShamirThreshold loose[int] `json:"shamir_threshold"`

	LastModified     string      `json:"lastmodified"`
	MAC              string      `json:"mac"`
	MACOnlyEncrypted loose[bool] `json:"mac_only_encrypted"`

	UnencryptedSuffix       string `json:"unencrypted_suffix"`
	EncryptedSuffix         string `json:"encrypted_suffix"`
	UnencryptedRegex        string `json:"unencrypted_regex"`
	EncryptedRegex          string `json:"encrypted_regex"`
	UnencryptedCommentRegex string `json:"unencrypted_comment_regex"`
	EncryptedCommentRegex   string `json:"encrypted_comment_regex"`
}

// keyGroup holds master keys, each of which opens the same part of the data
// key.
type keyGroup struct {
	Age   []ageKey   `json:"age"`
	PGP   []pgpKey   `json:"pgp"`
	Vault []vaultKey `json:"hc_vault"`
	AWS   []awsKey   `json:"kms"`
	GCP   []gcpKey   `json:"gcp_kms"`
	Azure []azureKey `json:"azure_kv"`
	// Huawei is told to the user; nobody opens it.
	Huawei []huaweiKey `json:"hckms"`
}

// masters lists a group's keys, those first that cost no request.
func (g keyGroup) masters() []master {
	var out []master
	for _, k := range g.Age {
		out = append(out, k)
	}
	for _, k := range g.PGP {
		out = append(out, k)
	}
	for _, k := range g.Vault {
		out = append(out, k)
	}
	for _, k := range g.AWS {
		out = append(out, k)
	}
	for _, k := range g.GCP {
		out = append(out, k)
	}
	for _, k := range g.Azure {
		out = append(out, k)
	}
	for _, k := range g.Huawei {
		out = append(out, k)
	}
	return out
}

// groups are the parts of the data key: one, unless it is shared out.
func (m metadata) groups() []keyGroup {
	if len(m.masters()) > 0 {
		return []keyGroup{m.keyGroup}
	}
	return m.KeyGroups
}

// modified is the time in the form that the MAC is bound to.
func (m metadata) modified() (string, error) {
	t, err := time.Parse(time.RFC3339, m.LastModified)
	if err != nil {
		return "", fmt.Errorf("sops.lastmodified is not a time")
	}
	return t.Format(time.RFC3339), nil
}

func parseMetadata(value any) (metadata, error) {
	var m metadata
	b, ok := value.(branch)
	if !ok {
		return m, fmt.Errorf("the entry sops is not a mapping")
	}
	data, err := json.Marshal(plain(b))
	if err != nil {
		return m, fmt.Errorf("read the entry sops: %w", err)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("read the entry sops: %w", err)
	}
	for _, g := range m.groups() {
		if len(g.masters()) == 0 {
			return m, fmt.Errorf("a group of sops.key_groups is empty")
		}
	}
	if len(m.groups()) == 0 {
		return m, fmt.Errorf("the entry sops names no key")
	}
	return m, nil
}

// loose is a value that formats without types write as text.
type loose[T any] struct{ value T }

// UnmarshalJSON implements json.Unmarshaler.
func (l *loose[T]) UnmarshalJSON(data []byte) error {
	data = bytes.Trim(data, `"`)
	if len(data) == 0 || string(data) == "null" {
		return nil
	}
	return json.Unmarshal([]byte(strings.ToLower(string(data))), &l.value)
}
