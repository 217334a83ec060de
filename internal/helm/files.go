package helm

import (
	"encoding/base64"
	"path"
	"strings"

	"github.com/gobwas/glob"
	"helm.sh/helm/v3/pkg/chart"
)

// files are what templates see as .Files: a map, so that they can go through
// it.
type files map[string][]byte

func newFiles(from []*chart.File) files {
	out := make(files, len(from))
	for _, f := range from {
		out[f.Name] = f.Data
	}
	return out
}

// GetBytes gives a file's content, empty where there is none.
func (f files) GetBytes(name string) []byte {
	if data, ok := f[name]; ok {
		return data
	}
	return []byte{}
}

// Get is GetBytes as text.
func (f files) Get(name string) string { return string(f.GetBytes(name)) }

// Glob picks files; a pattern that is none picks all, as Helm does.
func (f files) Glob(pattern string) files {
	g, err := glob.Compile(pattern, '/')
	out := files{}
	for name, data := range f {
		if err != nil || g.Match(name) {
			out[name] = data
		}
	}
	return out
}

// AsConfig is the data of a ConfigMap of the files, by their base names.
func (f files) AsConfig() string {
	if f == nil {
		return ""
	}
	data := map[string]string{}
	for name, content := range f {
		data[path.Base(name)] = string(content)
	}
	return toYAML(data)
}

// AsSecrets is the data of a Secret of the files, by their base names.
func (f files) AsSecrets() string {
	if f == nil {
		return ""
	}
	data := map[string]string{}
	for name, content := range f {
		data[path.Base(name)] = base64.StdEncoding.EncodeToString(content)
	}
	return toYAML(data)
}

// Lines gives a file's lines.
func (f files) Lines(name string) []string {
	if len(f[name]) == 0 {
		return []string{}
	}
	return strings.Split(strings.TrimSuffix(string(f[name]), "\n"), "\n")
}
