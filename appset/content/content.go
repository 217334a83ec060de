package content

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"strings"

	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/appset/text"
	"github.com/trueup-dev/trueup/internal/fault"
)

type params = map[string]any

// Objects decodes a file of YAML or JSON: one object, a list of them, or
// nothing, which is one object that is empty. More says that other documents
// follow the one that was read. Errors are of kind Invalid and name the line.
func Objects(version param.Version, data []byte) (objects []map[string]any, more bool, err error) {
	value, more, err := version.YAML(data)
	if err != nil {
		return nil, false, err
	}
	switch v := value.(type) {
	case nil:
		objects = []params{nil}
	case params:
		objects = []params{v}
	case []any:
		for i, item := range v {
			object, ok := item.(params)
			if !ok && item != nil {
				return nil, false, fault.New(fault.Invalid, "item %d is %s, and must be an object", i, kindName(item))
			}
			objects = append(objects, object)
		}
	default:
		return nil, false, fault.New(fault.Invalid, "line %d: it holds %s, and must hold an object or a list of objects",
			contentLine(data), kindName(value))
	}
	return objects, more, nil
}

// File gives the parameters of an object in a file: its content, nested or
// flat, and the names of the file and its folder, which count where both have
// a name.
func File(nested bool, object map[string]any, name, prefix string) map[string]any {
	p := params{}
	if nested {
		maps.Copy(p, object)
	} else {
		for key, value := range param.Flat(object) {
			p[key] = value
		}
	}
	file := path.Base(name)
	maps.Copy(p, named(nested, path.Dir(name), prefix, map[string]string{"filename": file, "filenameNormalized": text.Normalize(file)}))
	return p
}

// Folder gives the parameters of a folder: its path and the parts of it, below
// prefix if there is one.
func Folder(nested bool, name, prefix string) map[string]any { return named(nested, name, prefix, nil) }

// named names the parts of a folder's path, and those of extra.
func named(nested bool, name, prefix string, extra map[string]string) params {
	base := path.Base(name)
	segments := strings.Split(name, "/")
	if nested {
		parts := params{"path": name, "basename": base, "basenameNormalized": text.Normalize(base), "segments": segments}
		for key, value := range extra {
			parts[key] = value
		}
		if prefix != "" {
			return params{prefix: params{"path": parts}}
		}
		return params{"path": parts}
	}
	key := "path"
	if prefix != "" {
		key = prefix + ".path"
	}
	p := params{key: name, key + ".basename": base, key + ".basenameNormalized": text.Normalize(base)}
	for i, s := range segments {
		if s != "" {
			p[fmt.Sprintf("%s[%d]", key, i)] = s
		}
	}
	for name, value := range extra {
		p[key+"."+name] = value
	}
	return p
}

func kindName(value any) string {
	switch value.(type) {
	case string:
		return "a text"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	}
	return "a number"
}

// contentLine is the first line that is neither empty nor a comment.
func contentLine(data []byte) int {
	for i, line := range bytes.Split(data, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && !bytes.Equal(line, []byte("---")) {
			return i + 1
		}
	}
	return 1
}
