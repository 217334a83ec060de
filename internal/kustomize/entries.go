package kustomize

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/trueup-dev/trueup/internal/render"
)

// entryLines are the lines of a list's entries in a kustomization, as it
// stands in the file. There are none where they cannot be told.
func entryLines(text []byte, field string) []int {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil || len(root.Content) == 0 {
		return nil
	}
	top := root.Content[0]
	var lines []int
	for i := 0; i+1 < len(top.Content) && top.Kind == yaml.MappingNode; i += 2 {
		if !strings.EqualFold(top.Content[i].Value, field) {
			continue
		}
		lines = nil // of a field that is there twice the last one counts
		list := top.Content[i+1]
		if list.Alias != nil {
			list = list.Alias
		}
		for _, entry := range list.Content {
			lines = append(lines, entry.Line)
		}
	}
	return lines
}

// entry is where an entry of a kustomization's list stands. lines are those of
// the list.
func (l *layout) entry(k *kustomization, lines []int, i int) render.Origin {
	origin := l.origin(k.name)
	if i < len(lines) {
		origin.Line = lines[i]
	}
	return origin
}

// origin is a file as a whole.
func (l *layout) origin(file string) render.Origin {
	m, rest, err := l.files.inside(file)
	if err != nil {
		return render.Origin{}
	}
	return render.Origin{Tree: m.location(), Path: rest}
}
