package secret

import (
	"bytes"
	"fmt"
	"strings"
)

const envPrefix = "sops_"

// readEnv reads lines of NAME=value. Metadata are entries like any other.
func readEnv(data []byte) (b, sops branch, err error) {
	var meta branch
	for n, line := range strings.Split(string(data), "\n") {
		if line == "" {
			continue
		}
		if text, ok := strings.CutPrefix(line, "#"); ok {
			b = append(b, item{key: comment(text)})
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, nil, fmt.Errorf("line %d is neither a comment nor NAME=value", n+1)
		}
		value = strings.ReplaceAll(value, `\n`, "\n")
		if key, ok := strings.CutPrefix(name, envPrefix); ok {
			meta = append(meta, item{key, value})
			continue
		}
		b = append(b, item{name, value})
	}
	sops, err = unflatten(meta)
	return b, sops, err
}

func writeEnv(b branch) []byte {
	var out bytes.Buffer
	for _, it := range b {
		fmt.Fprintf(&out, "%s=%s\n", it.key, strings.ReplaceAll(scalarText(it.value), "\n", `\n`))
	}
	return out.Bytes()
}
