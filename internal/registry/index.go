package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"go.yaml.in/yaml/v3"
)

// index is what counts of a repository's index.yaml.
type index struct {
	charts map[string][]indexEntry
}

type indexEntry struct {
	Version string   `json:"version" yaml:"version"`
	URLs    []string `json:"urls" yaml:"urls"`
	Digest  string   `json:"digest" yaml:"digest"`
	Created instant  `json:"created" yaml:"created"`
}

// instant is a time that may be written in any way: it is for show.
type instant struct{ time.Time }

// UnmarshalYAML implements yaml.Unmarshaler.
func (i *instant) UnmarshalYAML(n *yaml.Node) error {
	i.Time, _ = time.Parse(time.RFC3339Nano, n.Value)
	return nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (i *instant) UnmarshalJSON(data []byte) error {
	i.Time, _ = time.Parse(time.RFC3339Nano, string(bytes.Trim(data, `"`)))
	return nil
}

// parseIndex reads an index, which is YAML or, much faster, JSON.
func parseIndex(data []byte) (*index, error) {
	var raw struct {
		APIVersion string                  `json:"apiVersion" yaml:"apiVersion"`
		Entries    map[string][]indexEntry `json:"entries" yaml:"entries"`
	}
	var err error
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) && json.Valid(data) {
		err = json.Unmarshal(data, &raw)
	} else {
		err = yaml.Unmarshal(data, &raw)
	}
	if err != nil {
		return nil, err
	}
	if raw.APIVersion == "" && raw.Entries == nil {
		return nil, errors.New("it is no index of a Helm repository: it has no apiVersion")
	}
	return &index{charts: raw.Entries}, nil
}
