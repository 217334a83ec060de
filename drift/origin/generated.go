package origin

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// made looks for data that generators of the kustomization take from literals
// and files.
func (k kustomization) made() {
	list := map[string]string{"ConfigMap": "configMapGenerator", "Secret": "secretGenerator"}[k.want.Object.Kind]
	above, name := k.leaf()
	value, isText := k.want.Value.(string)
	if list == "" || k.want.Object.Group != "" || above != "data" || !isText || len(k.want.Path) != 2 {
		return
	}
	for _, g := range slices.Backward(items(k.top, list)) {
		base := text(child(g, "name"))
		if base == "" || !slices.ContainsFunc(k.names, func(n string) bool { return strings.Contains(n, base) }) {
			continue
		}
		for _, n := range items(g, "literals") {
			key, literal, ok := strings.Cut(text(target(n)), "=")
			literal = strings.Trim(literal, `"'`)
			if ok && key == name && (literal == value || encoded(literal, value)) {
				k.says(k.name, n.Line, n.Line, true)
			}
		}
		for _, n := range items(g, "files") {
			k.whole(text(target(n)), name, value)
		}
	}
}

// whole is a file that is the value.
func (k kustomization) whole(spec, name, value string) {
	key, at, ok := strings.Cut(spec, "=")
	if !ok {
		key, at = path.Base(spec), spec
	}
	at = path.Join(k.dir, at)
	if key != name {
		return
	}
	data, err := k.files.content(at)
	if err != nil || string(data) != value && !encoded(string(data), value) {
		return
	}
	lines := bytes.Count(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")) + 1
	k.says(at, 1, lines, true)
}
