package helm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"text/template"

	"github.com/BurntSushi/toml"
	"github.com/Masterminds/sprig/v3"
	yaml3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

// costOfParsing is about how many bytes one byte of a text becomes when it is
// read as YAML, JSON or a template.
const costOfParsing = 20

// library is what charts may call: Sprig's functions and Helm's own, but those
// that reach the process or the network.
func library() template.FuncMap {
	all := sprig.TxtFuncMap()
	delete(all, "env")
	delete(all, "expandenv")
	for name, f := range map[string]any{
		"getHostByName": func(string) string { return "" },
		"required":      required,
		"fail":          func(text string) (string, error) { return "", &saidError{text} },
		"toYaml":        toYAML, "toYamlPretty": toYAMLPretty,
		"fromYaml": fromYAML, "fromYamlArray": fromYAMLArray,
		"toJson": toJSON, "fromJson": fromJSON, "fromJsonArray": fromJSONArray,
		"toToml": toTOML, "fromToml": fromTOML,
		"print": fmt.Sprint, "printf": fmt.Sprintf, "println": fmt.Sprintln,
		"html": template.HTMLEscaper, "js": template.JSEscaper, "urlquery": template.URLQueryEscaper,
		// Placeholders: every rendering has its own.
		"include": func(string, any) (string, error) { return "", errors.New("nothing runs") },
		"tpl":     func(string, any) (string, error) { return "", errors.New("nothing runs") },
		"lookup":  func(string, string, string, string) (map[string]any, error) { return nil, errors.New("nothing runs") },
	} {
		all[name] = f
	}
	for _, name := range []string{fnMark, fnEnter} {
		all[name] = func(int) string { return "" }
	}
	for _, name := range []string{fnTick, fnLeave} {
		all[name] = func() string { return "" }
	}
	all[fnKeep] = func(v reflect.Value) reflect.Value { return v }
	all[fnOut] = func(_ int, v reflect.Value) reflect.Value { return v }
	return all
}

func required(text string, v any) (any, error) {
	if v == nil || v == "" {
		return v, &saidError{text}
	}
	return v, nil
}

// What cannot be written is empty, and what cannot be read tells why under
// "Error": charts rely on both.

func toYAML(v any) string {
	data, err := yaml.Marshal(v)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(data), "\n")
}

func toYAMLPretty(v any) string {
	var out bytes.Buffer
	encoder := yaml3.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(v); err != nil {
		return ""
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func fromYAML(text string) map[string]any {
	out := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		out["Error"] = err.Error()
	}
	return out
}

func fromYAMLArray(text string) []any {
	out := []any{}
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		out = []any{err.Error()}
	}
	return out
}

func toJSON(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(data)
}

func fromJSON(text string) map[string]any {
	out := map[string]any{}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		out["Error"] = err.Error()
	}
	return out
}

func fromJSONArray(text string) []any {
	out := []any{}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		out = []any{err.Error()}
	}
	return out
}

func toTOML(v any) string {
	var out bytes.Buffer
	if err := toml.NewEncoder(&out).Encode(v); err != nil {
		return err.Error()
	}
	return out.String()
}

func fromTOML(text string) map[string]any {
	out := map[string]any{}
	if err := toml.Unmarshal([]byte(text), &out); err != nil {
		out["Error"] = err.Error()
	}
	return out
}
