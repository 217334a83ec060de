package param

import (
	"encoding/base64"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
)

// reader makes values of YAML's nodes by the rules of the decoder that Argo CD
// uses, which is one for YAML 1.1; it keeps what that one loses on the way to
// JSON.
type reader struct {
	version Version
	// open are the anchors that are being read, borrowed the nodes that were
	// read through an alias.
	open     map[*yamlv3.Node]bool
	borrowed int
	depth    int
}

// maxBorrowed bounds documents that refer to themselves over and over.
const maxBorrowed = 400_000

func (r *reader) value(n *yamlv3.Node) (any, error) {
	if r.depth > 0 {
		if r.borrowed++; r.borrowed > maxBorrowed {
			return nil, fmt.Errorf("line %d: the document has too many aliases", n.Line)
		}
	}
	switch n.Kind { //nolint:exhaustive // scalars come after
	case yamlv3.DocumentNode:
		return r.value(n.Content[0])
	case yamlv3.AliasNode:
		var out any
		err := r.follow(n, func(target *yamlv3.Node) (err error) {
			out, err = r.value(target)
			return err
		})
		return out, err
	case yamlv3.SequenceNode:
		out := make([]any, len(n.Content))
		for i, item := range n.Content {
			var err error
			if out[i], err = r.value(item); err != nil {
				return nil, err
			}
		}
		return out, nil
	case yamlv3.MappingNode:
		out := map[string]any{}
		return out, r.fields(n, out)
	}
	value, err := r.scalar(n)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", n.Line, err)
	}
	if f, ok := value.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return nil, fmt.Errorf("line %d: the number %s cannot be a parameter", n.Line, n.Value)
	}
	return value, nil
}

func (r *reader) follow(alias *yamlv3.Node, then func(*yamlv3.Node) error) error {
	if r.open[alias.Alias] {
		return fmt.Errorf("line %d: anchor %q contains itself", alias.Line, alias.Value)
	}
	if r.open == nil {
		r.open = map[*yamlv3.Node]bool{}
	}
	r.open[alias.Alias] = true
	r.depth++
	defer func() {
		delete(r.open, alias.Alias)
		r.depth--
	}()
	return then(alias.Alias)
}

// fields reads a map into one. Of a key that is there twice the last counts,
// and merges count where they stand.
func (r *reader) fields(n *yamlv3.Node, into map[string]any) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if name.Kind == yamlv3.ScalarNode && name.Value == "<<" && (name.Tag == "" || name.Tag == "!" || name.ShortTag() == "!!merge") {
			if err := r.merge(value, into); err != nil {
				return err
			}
			continue
		}
		key, err := r.key(name)
		if err != nil {
			return err
		}
		if into[key], err = r.value(value); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) merge(n *yamlv3.Node, into map[string]any) error {
	switch {
	case n.Kind == yamlv3.MappingNode:
		return r.fields(n, into)
	case n.Kind == yamlv3.AliasNode && n.Alias.Kind == yamlv3.MappingNode:
		return r.follow(n, func(target *yamlv3.Node) error { return r.fields(target, into) })
	case n.Kind == yamlv3.SequenceNode:
		for i := len(n.Content) - 1; i >= 0; i-- { // what comes first counts
			if n.Content[i].Kind == yamlv3.SequenceNode {
				break
			}
			if err := r.merge(n.Content[i], into); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("line %d: map merge requires map or sequence of maps as the value", n.Line)
}

// key is the text that a key becomes on the way to JSON. What only looks like
// a boolean, as y or no, stays as it is.
func (r *reader) key(n *yamlv3.Node) (string, error) {
	value, err := r.scalar11(n)
	if n.Kind == yamlv3.AliasNode {
		err = r.follow(n, func(target *yamlv3.Node) (err error) {
			value, err = r.scalar11(target)
			return err
		})
		n = n.Alias
	}
	if err != nil {
		return "", fmt.Errorf("line %d: %w", n.Line, err)
	}
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		if strings.EqualFold(n.Value, strconv.FormatBool(v)) {
			return strings.ToLower(n.Value), nil
		}
		return n.Value, nil
	case float64:
		switch text := strconv.FormatFloat(v, 'g', -1, 32); text {
		case "+Inf":
			return ".inf", nil
		case "-Inf":
			return "-.inf", nil
		case "NaN":
			return ".nan", nil
		default:
			return text, nil
		}
	case Number, Integer:
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("line %d: a key of a map must be a text, a number or a boolean", n.Line)
}

func (r *reader) scalar11(n *yamlv3.Node) (any, error) {
	if n.Kind != yamlv3.ScalarNode {
		return nil, nil
	}
	return (&reader{version: V11}).scalar(n)
}

func (r *reader) scalar(n *yamlv3.Node) (any, error) {
	const quoted = yamlv3.DoubleQuotedStyle | yamlv3.SingleQuotedStyle | yamlv3.LiteralStyle | yamlv3.FoldedStyle
	if n.Style&yamlv3.TaggedStyle == 0 {
		if n.Style&quoted != 0 {
			return n.Value, nil
		}
		_, value := r.resolve(n.Value)
		return value, nil
	}
	tag := n.ShortTag()
	switch tag {
	case "!!binary":
		data, err := base64.StdEncoding.DecodeString(n.Value)
		if err != nil {
			return nil, fmt.Errorf("!!binary value contains invalid base64 data")
		}
		return string(data), nil
	case "!!bool", "!!int", "!!float", "!!null", "!!timestamp":
	default:
		return n.Value, nil
	}
	is, value := r.resolve(n.Value)
	if tag == "!!float" && is == "!!int" {
		return Float(value), nil
	}
	if is != tag {
		return nil, fmt.Errorf("cannot decode %s `%s` as a %s", is, n.Value, tag)
	}
	return value, nil
}

var (
	floating  = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	timestamp = regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?$`)
)

// resolve gives a plain scalar its tag and value.
func (r *reader) resolve(text string) (string, any) {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return "!!null", nil
	case "true", "True", "TRUE":
		return "!!bool", true
	case "false", "False", "FALSE":
		return "!!bool", false
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON":
		if r.version != V12 {
			return "!!bool", true
		}
	case "n", "N", "no", "No", "NO", "off", "Off", "OFF":
		if r.version != V12 {
			return "!!bool", false
		}
	case ".nan", ".NaN", ".NAN":
		return "!!float", math.NaN()
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF":
		return "!!float", math.Inf(1)
	case "-.inf", "-.Inf", "-.INF":
		return "!!float", math.Inf(-1)
	}
	switch c := (text + "x")[0]; {
	case c == '.':
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return "!!float", f
		}
	case c == '+' || c == '-' || '0' <= c && c <= '9':
		return number(text)
	}
	return "!!str", text
}

func number(text string) (string, any) {
	if timestamp.MatchString(text) {
		return "!!timestamp", text
	}
	plain := strings.ReplaceAll(text, "_", "")
	if i, err := strconv.ParseInt(plain, 0, 64); err == nil {
		return "!!int", FromInt(i)
	}
	if u, err := strconv.ParseUint(plain, 0, 64); err == nil {
		return "!!int", FromUint(u)
	}
	if floating.MatchString(plain) {
		if f, err := strconv.ParseFloat(plain, 64); err == nil {
			return "!!float", f
		}
	}
	return "!!str", text
}
