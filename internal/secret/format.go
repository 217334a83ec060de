package secret

import (
	"bytes"
	"path"
	"strings"
)

// format is a form in which SOPS writes files.
type format string

const (
	formatYAML   format = "yaml"
	formatJSON   format = "json"
	formatEnv    format = "dotenv"
	formatINI    format = "ini"
	formatBinary format = "binary"
	formatNone   format = "" // not encrypted
)

// detect tells the form of content that holds an encrypted value somewhere. A
// file that merely holds one, deep in a text, is not encrypted.
func detect(name string, data []byte) format {
	text := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), " \t\r\n")
	yaml := false
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml":
		yaml = true
	}
	switch {
	case bytes.HasPrefix(text, []byte("{")):
		switch {
		case !bytes.Contains(text, []byte(`"sops"`)):
			return formatNone
		case yaml:
			return formatYAML
		case strings.EqualFold(path.Ext(name), ".json"):
			return formatJSON
		}
		return formatBinary // or JSON under another name, which its keys tell
	case hasLine(text, "sops:"):
		return formatYAML
	case yaml:
		return formatNone
	case hasLine(text, "sops_mac=") && hasLine(text, "sops_lastmodified="):
		return formatEnv
	case hasLine(text, "[sops]"):
		return formatINI
	}
	return formatNone
}

// hasLine tells whether a line begins with a text.
func hasLine(data []byte, start string) bool {
	return bytes.HasPrefix(data, []byte(start)) || bytes.Contains(data, []byte("\n"+start))
}
